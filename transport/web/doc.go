// Package web will be the web page, embedded in the binary: endpoints,
// deliveries, dead letters.
//
// It is empty until its time: this version has the command line and the API.
// It will promise to show nothing that the API would not answer the same token.
//
// It may import transport, transport/telemetry and matching.
package web
