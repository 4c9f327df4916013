package payload

import (
	"time"

	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// CEL counts what a call cost when it has returned, which is too late for one
// that makes a terabyte of an event's text, and counts nothing for some that go
// through all of a document. So each call that may look at more than a scalar
// is paid for by the sizes of its arguments, before it is made.
//
// What a step buys was measured (BenchmarkStep): the steps of the worst that we
// found last 10 to 80 ns.
const (
	// stepTime is what a step is taken to last.
	stepTime = 50 * time.Nanosecond
	// evalSteps is what an evaluation takes besides its steps.
	evalSteps = 10
	// stepBytes is how much of a text one step reads or copies.
	stepBytes = 10
	// stepsOfMatch is how many of a regular expression's instructions are tried
	// at one character for a step.
	stepsOfMatch = 8
	// elementBytes is what an element of a list counts besides its content.
	elementBytes = 8
	// zoneSteps is a look-up of a time zone, which reads a file.
	zoneSteps = 500
	// patternSteps is the compilation of a regular expression.
	patternSteps = 2_000
	// maxWeighed bounds the walk through a value whose size is asked for. It is
	// more than what any call may cost.
	maxWeighed = 2 * maxCost * stepBytes
)

// tariff is the way a function's price follows from its arguments.
type tariff int

const (
	byLength tariff = iota // reads each of them once
	byEquality
	byMembership
	bySets
	byReplace
	bySearch
	byJoin
	bySplit
	byFormat
	byMatch
	bySum
	byText // the length of texts; of lists and maps it is known
	byTime
	bySlow // takes about as long for each character as others for ten
)

// tariffs of functions; all others are byLength.
var tariffs = map[string]tariff{
	operators.Equals: byEquality, operators.NotEquals: byEquality, operators.In: byMembership,
	"sets.contains": bySets, "sets.equivalent": bySets, "sets.intersects": bySets,
	"replace": byReplace, "indexOf": bySearch, "lastIndexOf": bySearch, "join": byJoin, "split": bySplit, "format": byFormat,
	"strings.quote": bySlow, overloads.TypeConvertDuration: bySlow, overloads.TypeConvertTimestamp: bySlow,
	overloads.Matches: byMatch, operators.Add: bySum, overloads.Size: byText,
	overloads.TimeGetFullYear: byTime, overloads.TimeGetMonth: byTime, overloads.TimeGetDayOfYear: byTime,
	overloads.TimeGetDate: byTime, overloads.TimeGetDayOfMonth: byTime, overloads.TimeGetDayOfWeek: byTime,
	overloads.TimeGetHours: byTime, overloads.TimeGetMinutes: byTime, overloads.TimeGetSeconds: byTime, overloads.TimeGetMilliseconds: byTime,
}

// free are functions that take no more time for larger arguments: CEL's own
// count of one step is true.
var free = map[string]bool{
	operators.Subtract: true, operators.Multiply: true, operators.Divide: true, operators.Modulo: true, operators.Negate: true,
	operators.LogicalNot: true, operators.NotStrictlyFalse: true,
	overloads.TypeConvertDyn: true, overloads.TypeConvertType: true,
}

// one is the price of a call with one argument.
func (t tariff) one(a ref.Val) uint64 {
	switch v := a.(type) {
	case types.Int, types.Bool, types.Uint, types.Double, types.Timestamp, types.Null, types.Duration:
		return 1
	case types.String:
		if t == bySlow {
			return 3 + uint64(len(v))
		}
		return 1 + uint64(len(v)/stepBytes)
	}
	switch t {
	case byText:
		return 1
	case byJoin:
		return 1 + weigh(a)/stepBytes + elements(a)
	}
	return 1 + weigh(a)/stepBytes
}

// two is the price of a call with two.
func (t tariff) two(a, b ref.Val) uint64 {
	switch t {
	case byEquality:
		return equalPrice(a, b)
	case byMembership:
		return memberPrice(a, b)
	case bySets:
		n, m := elements(a), elements(b)
		return 1 + times(n, m) + times(n, weigh(b))/stepBytes + times(m, weigh(a))/stepBytes
	case bySearch:
		return searchPrice(a, b)
	case byJoin:
		return 1 + weigh(a)/stepBytes + times(elements(a), 1+weigh(b)/stepBytes)
	case bySplit:
		return 1 + weigh(a)/2
	case byFormat:
		return 1 + times(5, weigh(a)) + weigh(b)/2
	case bySum:
		return sumPrice(a, b)
	case byTime:
		return zoneSteps + weigh(b)/stepBytes
	}
	return 1 + length(a)/stepBytes + length(b)/stepBytes
}

// more is the price of a call with any other number.
func (t tariff) more(args []ref.Val) uint64 {
	price := uint64(1)
	for _, v := range args {
		price = plus(price, weigh(v)/stepBytes)
	}
	if len(args) < 3 {
		return price
	}
	switch t {
	case byReplace:
		text, old, new := weigh(args[0]), weigh(args[1]), weigh(args[2])
		return plus(price, times(1+text/max(1, old), 1+new)/stepBytes)
	case bySearch:
		return plus(price, searchPrice(args[0], args[1]))
	case bySplit:
		return plus(price, weigh(args[0])/2)
	}
	return price
}

// length is weigh for what mostly is a short scalar.
func length(v ref.Val) uint64 {
	switch v := v.(type) {
	case types.String:
		return uint64(len(v))
	case types.Int, types.Bool, types.Uint, types.Double, types.Timestamp, types.Null, types.Duration:
		return 0
	}
	return weigh(v)
}

// equalPrice: containers are gone through in step, and read whole before.
func equalPrice(a, b ref.Val) uint64 {
	if !contains(a) || !contains(b) {
		s, isText := a.(types.String)
		t, too := b.(types.String)
		if isText && too && len(s) == len(t) {
			return 1 + uint64(len(s)/(4*stepBytes))
		}
		return 1
	}
	wa, wb := weigh(a), weigh(b)
	return 1 + min(wa, wb) + (wa+wb)/(2*stepBytes)
}

// memberPrice of a in b.
func memberPrice(a, b ref.Val) uint64 {
	if _, isMap := b.(traits.Mapper); isMap {
		return 1 + length(a)/stepBytes
	}
	n, w := elements(b), weigh(b)
	price := 1 + n + w/stepBytes
	if contains(a) {
		price = plus(price, plus(w, times(n, weigh(a))/(2*stepBytes)))
	}
	return price
}

// searchPrice: each place of the text may be compared with all of the other.
func searchPrice(a, b ref.Val) uint64 {
	text, other := length(a), length(b)
	return 1 + text/stepBytes + other/stepBytes + times(text, other)/(4*stepBytes)
}

// sumPrice: a text is copied, and so is a list, unless it is a loop's own.
func sumPrice(a, b ref.Val) uint64 {
	if _, growing := a.(traits.MutableLister); growing {
		return 1 + elements(b)
	}
	if _, isList := a.(traits.Lister); isList {
		return 1 + elements(a) + elements(b)
	}
	return 1 + length(a)/stepBytes + length(b)/stepBytes
}

// contains tells whether v holds other values.
func contains(v ref.Val) bool {
	switch v.(type) {
	case types.String, types.Int, types.Bool, types.Uint, types.Double, types.Null, types.Bytes, types.Timestamp, types.Duration:
		return false
	}
	return true
}

func elements(v ref.Val) uint64 {
	if s, sized := v.(traits.Sizer); sized && contains(v) {
		n, _ := s.Size().(types.Int)
		return uint64(max(0, n))
	}
	return 0
}

// weigh is the size of a value with all that is in it, about as many bytes as
// its JSON has, or something over maxWeighed. A part that is there twice
// counts twice.
func weigh(v ref.Val) uint64 {
	w := weighing{}
	w.add(v)
	return w.sum
}

type weighing struct{ sum uint64 }

func (w *weighing) add(v ref.Val) {
	switch v := v.(type) {
	case types.String:
		w.sum += uint64(len(v))
	case types.Bytes:
		w.sum += uint64(len(v))
	case *object:
		w.sum += uint64(len(v.raw))
	case *array:
		w.sum += uint64(len(v.raw))
	case *eventValue:
		w.sum += uint64(v.view.ev.Size())
	case *types.Optional:
		w.sum++
		if v.HasValue() {
			w.add(v.GetValue())
		}
	case traits.Mapper:
		w.all(v.Iterator(), v.Get)
	case traits.Lister:
		w.all(v.Iterator(), nil)
	}
}

// all adds the elements of a list, or the keys and values of a map.
func (w *weighing) all(it traits.Iterator, value func(ref.Val) ref.Val) {
	for w.sum <= maxWeighed && it.HasNext() == types.True {
		elem := it.Next()
		w.sum += elementBytes
		w.add(elem)
		if value != nil {
			w.add(value(elem))
		}
	}
}
