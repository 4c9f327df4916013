// Package quota counts what each customer uses against its bounds.
//
// It promises that no customer's use is counted for another, that a rate that
// is refused is not counted, that what it remembers is bounded by the customers
// that are active, and that its news of a bound neared or reached are few: one
// an hour for each. It reads no clock: time is an argument.
//
// It may import transport.
package quota
