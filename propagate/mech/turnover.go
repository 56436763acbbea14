package mech

// Turnover is that instances end though nothing is wrong with them, and are replaced.
// By default nothing ends before its replacement serves. So the number that serves never
// changes, and while nothing can be launched nothing ends: static stability (Weiss and
// Furr, "Static stability using Availability Zones", 2019). With terminate_first an
// instance is gone until its replacement serves.
//
// # Equation
//
// Of n instances n/lifetime end in a second, whatever their age. A replacement is launched
// when its instance ends, as far as what the service needs to scale and to start is there
// (see autoscaling), and serves start seconds later. What was not launched is tried again
// every 15 s, or at the looks of an autoscaling. With r a second that come back
//
//	n' = r - n/lifetime
//
// and so n(t) = n exp(-t/lifetime) while nothing can be launched. When launches work again
// all that is missing is launched together. When all is well, and at the beginning of a
// run, start/(lifetime+start) of the instances are being replaced.
//
// A step of h seconds is solved exactly with r even in it, and the capacity of a step is
// its mean.
//
// # When it is wrong
//
// It is a mean: a service of few instances has them whole, and more or fewer of them by
// chance. What an instance has in service when it ends is finished here. A deployment
// that ends all instances in turn is a restart in waves, and not this.
type Turnover struct {
	Lifetime float64 // seconds
	Start    float64 // seconds

	line Line // replacements that were launched as their instances ended
}

// Begin is how many of so many instances serve when all is well.
func (o *Turnover) Begin(instances float64) (serving float64) {
	serving = float64(instances * (o.Lifetime / (o.Lifetime + o.Start)))
	o.line = Line{Low: o.Start}
	if o.Start > 0 {
		o.line.Put(-o.Start, 0, instances-serving)
	}
	return serving
}

// Starting is how many replacements are launched and do not serve yet.
func (o *Turnover) Starting() float64 { return o.line.Mass() }

// Play is a step of h seconds from a time on, with so many instances serving at its
// beginning, in which a share of the replacements that are asked for is launched. It
// returns how many serve at the end of it, and in the mean.
func (o *Turnover) Play(t, h, serving, launched float64) (end, mean float64) {
	back := o.line.Take(t + h)
	// Of what is launched in this step, a share is back in it: of E that end, with r h
	// that come back,
	//	E = n (1-k) + r (h - L (1-k)), k = exp(-h/L),  and  r h = back + E launched within
	within := launched * o.line.Within(t, t+h, t+h)
	lost, rest := decay(h / o.Lifetime) // 1-k, and h/L - (1-k)
	rest *= o.Lifetime
	rate := (back + float64(within*float64(serving*lost))) / (h - float64(within*rest))
	ended := float64(serving*lost) + float64(rate*rest)
	come := float64(rate * h)
	again := float64(ended * launched)
	o.line.PutRest(t, t+h, again, again-float64(ended*within))
	return max(0, serving+come-ended), ended * (o.Lifetime / h)
}

// decay is 1-exp(-x), and x less that.
func decay(x float64) (lost, rest float64) {
	if x < 1e-3 {
		rest = float64(float64(x*x) * (0.5 - float64(x*(1.0/6-float64(x*(1.0/24))))))
		return x - rest, rest
	}
	lost = 1 - Exp(-x)
	return lost, x - lost
}

// Copy makes o a copy of p, in o's memory.
func (o *Turnover) Copy(p *Turnover) {
	o.Lifetime, o.Start = p.Lifetime, p.Start
	o.line.Copy(&p.line)
}
