// Package jettest is what tests of jet's rooms share: servers, waiting, and
// samples of what is stored. It opens nothing of jet by itself, so that jet's own
// tests can use it. Only tests import it.
package jettest
