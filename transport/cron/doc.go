// Package cron reads the cron expressions by which customers say when alert
// runs are due, as users of cron write them, and gives them as JetStream's
// schedules want them.
//
// It promises that what Check takes has a form for JetStream, due at the very
// same times. It is pure, and the one door to robfig/cron; it may import
// transport beside it.
package cron
