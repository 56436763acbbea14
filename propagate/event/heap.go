package event

// kind is what happens.
type kind uint8

const (
	arrives  kind = iota // somebody comes from outside; who: the call
	works                // own work is over; who: the visit
	rejects              // the work of a rejection is over; who: the service
	pauses               // the pause before a retry is over; who: the call under way
	gives                // an attempt has run into its time-out; who: the call, see edge.due
	wakes                // a service that had to wait with a start may go on; who: the service
	tests                // a health check sends a test; who: the probe
	knows                // and knows its result
	returns              // what a health check restarted is back; who: the probe
	lapses               // the time of a lease may be over; who: the holder
	renews               // a lease is renewed; who: the holder
	asks                 // the pause before a regrant is over; who: the holder
	lets                 // the next holder may be let in; who: the kind of leases
	falls                // a fault lets a lease lapse; who: the kind of leases, mark: which fault
	recurs               // one that had failed comes again; who: the service
	starts               // a replacement serves; who: the service
	ends                 // an instance ends; who: the service
	looks                // at its instances; who: the service
	manages              // something is due at its instances; who: the service
	kindBits = 5
)

// event is something that will happen. It is void when what it is about has changed
// since: then its mark is not that of who it is about.
type event struct {
	at   int64  // nanoseconds
	rank uint64 // number of the event, then its kind
	who  int32
	mark uint32
}

func (e event) kind() kind { return kind(e.rank & (1<<kindBits - 1)) }

func (e event) before(o event) bool { return e.at < o.at || e.at == o.at && e.rank < o.rank }

// heap is a binary heap of events: the first to happen is at its top, and of those at
// one time the first that was planned.
type heap struct{ events []event }

func (h *heap) push(e event) {
	h.events = append(h.events, e)
	a := h.events
	i := len(a) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !e.before(a[up]) {
			break
		}
		a[i] = a[up]
		i = up
	}
	a[i] = e
}

// pop takes the first event; there must be one.
func (h *heap) pop() event {
	a := h.events
	top, n := a[0], len(a)-1
	e := a[n]
	a = a[:n]
	h.events = a
	if n == 0 {
		return top
	}
	i := 0
	for {
		down := 2*i + 1
		if down >= n {
			break
		}
		if down+1 < n && a[down+1].before(a[down]) {
			down++
		}
		if !a[down].before(e) {
			break
		}
		a[i] = a[down]
		i = down
	}
	a[i] = e
	return top
}

// row is events of one kind in order of time: those of delays that are all equal. Only
// its first one has to be in the heap.
type row struct {
	events     []event // a ring; its length is a power of two
	head, size int
}

func (r *row) push(e event) {
	if r.size == len(r.events) {
		grown := make([]event, max(16, 2*len(r.events)))
		for i := range r.size {
			grown[i] = r.events[(r.head+i)&(len(r.events)-1)]
		}
		r.events, r.head = grown, 0
	}
	r.events[(r.head+r.size)&(len(r.events)-1)] = e
	r.size++
}

func (r *row) first() event { return r.events[r.head] }

func (r *row) drop() {
	r.head = (r.head + 1) & (len(r.events) - 1)
	r.size--
}
