// Package closedform answers questions about one mechanism without a clock: what
// queueing theory, retry policies, leases, caches and health checks come to when
// things are stationary, or when they change along straight lines. The rate engine
// is checked against these forms, analyses report them, and they cost microseconds.
//
// Every exported function says which question it answers, by which formula, for
// which arguments, and where the formula is from; docs/closed-forms.md is made of
// that. Two conventions hold throughout:
//
//   - Times are in seconds, rates in 1/s, masses in requests, shares in 0..1.
//   - An argument outside the domain gives NaN, and so does an argument that is NaN.
//     A quantity that grows without bound is +Inf, which is an answer: the mean wait
//     of a saturated queue, the drain of a backlog that grows.
//
// Nothing here blocks or panics. Sums are bounded in length by the stated domains.
//
// # References
//
//   - Allen 1990: Probability, Statistics, and Queueing Theory with Computer Science Applications, 2nd ed.
//   - Alvaro et al. 2025: Formal Analysis of Metastable Failures in Software Systems, arXiv:2510.03551
//   - Beyer et al. 2016: Site Reliability Engineering, ch. 21 (handling overload), ch. 22 (cascading failures)
//   - Bronson et al. 2021: Metastable Failures in Distributed Systems, HotOS
//   - Brooker 2015: Exponential Backoff And Jitter, AWS Architecture Blog
//   - Brooker 2022: Fixing retries with token buckets and circuit breakers, brooker.co.za/blog/2022/02/28/retries.html
//   - Cohen 1957: Basic problems of telephone traffic theory and the influence of repeated calls, Philips Telecommunication Review 18
//   - Denning and Buzen 1978: The Operational Analysis of Queueing Network Models, ACM Computing Surveys 10
//   - Erlang 1917: Solution of some problems in the theory of probabilities of significance in automatic telephone exchanges
//   - Feller 1968: An Introduction to Probability Theory and Its Applications, vol. 1, 3rd ed.
//   - Garnett, Mandelbaum, Reiman 2002: Designing a Call Center with Impatient Customers, M&SOM 4
//   - Gross, Shortle, Thompson, Harris 2008: Fundamentals of Queueing Theory, 4th ed.
//   - Jagerman 1974: Some Properties of the Erlang Loss Function, Bell System Technical Journal 53
//   - Jung, Berger, Balakrishnan 2003: Modeling TTL-based Internet Caches, INFOCOM
//   - Kingman 1961: The single server queue in heavy traffic, Proceedings of the Cambridge Philosophical Society 57
//   - Kleinrock 1975: Queueing Systems, vol. 1
//   - Little 1961: A Proof for the Queuing Formula L = lambda W, Operations Research 9
//   - Mandelbaum, Massey, Reiman 1998: Strong approximations for Markovian service networks, Queueing Systems 30
//   - Maurer 2015: Fail at Scale, ACM Queue 13
//   - Newell 1982: Applications of Queueing Theory, 2nd ed., ch. 2 (fluid approximations)
//   - Palm 1957: Research on telephone traffic carried by full availability groups, Tele 1
//   - Pollaczek 1930: Über eine Aufgabe der Wahrscheinlichkeitstheorie, Mathematische Zeitschrift 32
//   - Whitt 2006: Fluid Models for Multiserver Queues with Abandonments, Operations Research 54
//
// Policies of software are cited by the file or page that states them.
package closedform

import "math"

// nonNegative reports whether all of xs are 0 or more, and none is NaN.
func nonNegative(xs ...float64) bool {
	for _, x := range xs {
		if !(x >= 0) {
			return false
		}
	}
	return true
}

// positive reports whether all of xs are more than 0, and none is NaN.
func positive(xs ...float64) bool {
	for _, x := range xs {
		if !(x > 0) {
			return false
		}
	}
	return true
}

// isShare reports whether all of xs are in 0..1.
func isShare(xs ...float64) bool {
	for _, x := range xs {
		if !(x >= 0 && x <= 1) {
			return false
		}
	}
	return true
}

var outside = math.NaN() // what arguments outside the domain give
