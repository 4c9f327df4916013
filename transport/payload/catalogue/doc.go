// Package catalogue is the one source of the event types that Postrider knows:
// what each means, the hardware it comes from, a sample as its publisher
// publishes it, and a JSON Schema of that.
//
// The API, the command line, docs/event-types.md and the AsyncAPI document are
// made from it. It promises that every sample fits its schema and is valid
// JSON, and that names never change their meaning. It describes and refuses
// nothing: an event of a type that is not here is delivered all the same.
//
// It may import transport and the standard library.
package catalogue
