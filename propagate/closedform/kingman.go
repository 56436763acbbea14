package closedform

import "math"

// PollaczekKhinchine is the mean wait in seconds of M/G/1. The scv is the squared
// coefficient of variation of the service time (variance over squared mean): 0 when
// it is constant, 1 when it is exponential.
//
//	Question: how long do requests wait on average when service times are not exponential?
//	Formula:  rho s / (1-rho) (1 + scv) / 2, rho = lambda s; +Inf for rho >= 1
//	Domain:   arrivals >= 0, service > 0, scv >= 0
//	Source:   Pollaczek 1930; Kleinrock 1975, ch. 5
func PollaczekKhinchine(arrivals, service, scv float64) float64 {
	return AllenCunneen(MMC{Arrivals: arrivals, Service: service, Servers: 1}, 1, scv)
}

// Kingman is an approximation of the mean wait in seconds of G/G/1, close when the
// server is nearly always busy. The arguments ending in SCV are squared
// coefficients of variation, of the times between arrivals and of service times.
//
//	Question: how long do requests wait on average when arrivals are not Poisson either?
//	Formula:  rho s / (1-rho) (ca2 + cs2) / 2; +Inf for rho >= 1
//	Domain:   arrivals >= 0, service > 0, both scv >= 0
//	Source:   Kingman 1961
func Kingman(arrivals, service, arrivalSCV, serviceSCV float64) float64 {
	return AllenCunneen(MMC{Arrivals: arrivals, Service: service, Servers: 1}, arrivalSCV, serviceSCV)
}

// AllenCunneen is an approximation of the mean wait in seconds of G/G/c: that of
// M/M/c times the mean of both squared coefficients of variation.
//
//	Question: how long do requests wait on average at several servers, whatever the distributions?
//	Formula:  C s / (c - a) (ca2 + cs2) / 2; +Inf for a >= c
//	Domain:   that of MMC, both scv >= 0
//	Source:   Allen 1990, ch. 5
func AllenCunneen(q MMC, arrivalSCV, serviceSCV float64) float64 {
	wait := q.MeanWait()
	switch {
	case !nonNegative(arrivalSCV, serviceSCV):
		return outside
	case math.IsInf(wait, 1):
		return wait
	}
	return wait * (arrivalSCV + serviceSCV) / 2
}
