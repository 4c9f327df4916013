// Package signature signs webhooks and verifies them: Genea's sequr scheme,
// GenLogs', Standard Webhooks, and a plain HMAC in a header of one's own. The
// sender and its receivers import this same package.
//
// It promises that a Signer is prepared once and then never fails, that
// signatures are compared in constant time, that what was signed is the raw
// body and nothing parsed from it, and that no error, print or log of anything
// here shows a secret. It reads no clock: time is an argument.
//
// It may import the standard library alone.
package signature
