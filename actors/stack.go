package actors

import "runtime"

// stackRoom is what handling a message takes of its goroutine's stack, and
// somewhat more.
const stackRoom = 6 << 10

// growStack makes room on the stack at once. The engine starts a goroutine each
// time that a mailbox gets its first message, with a stack of 2 KiB. One that
// grows where the calls are deep is copied frame by frame, two or three times,
// which took 7 % of the processor time of a busy node. It is the size of this
// function's frame that does it; touch is never true.
//
//go:noinline
func growStack(touch bool) {
	if touch {
		var room [stackRoom]byte
		runtime.KeepAlive(&room)
	}
}
