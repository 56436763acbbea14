package out

import (
	"slices"

	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/scenario"
)

// recordedOf are the windows of a record as pictures of a run show them, one for each
// service that a window stands for. What is not known of one end reaches as far as it
// can: to the beginning, to the end of the run, or to the other end.
func recordedOf(rec *scenario.Record, horizon float64) []Recorded {
	if rec == nil {
		return nil
	}
	var all []Recorded
	for i := range rec.Windows {
		w := &rec.Windows[i]
		if !w.Start.Known && !w.End.Known {
			continue
		}
		x := Recorded{
			State: propagate.State(max(0, slices.Index(scenario.States, w.State))), Source: w.Facts,
			From: Band{w.Start.Low, w.Start.High}, To: Band{w.End.Low, w.End.High},
		}
		if !w.Start.Known {
			x.From = Band{0, x.To.Least}
		}
		if !w.End.Known {
			x.To = Band{x.From.Most, horizon}
		}
		for _, b := range []*Band{&x.From, &x.To} {
			b.Least, b.Most = min(max(0, b.Least), horizon), min(max(0, b.Most), horizon)
		}
		for _, service := range w.Of {
			x.Service = service
			all = append(all, x)
		}
	}
	return all
}

// replayPage is the page of a replay: that of its run, with the score beside it.
func replayPage(r *Replay) *page {
	p := runPage(r.Run)
	p.verdict, p.verdictText = "", printable(capitalFirst(r.headline()))
	p.words = append([]string{capitalFirst(r.beaten()) + ".", "As it was played: " + printable(r.Run.headline()) + "."}, p.words...)
	p.tabs = append([]Tab{{Title: "Against the record", Report: r}}, p.tabs...)
	return p
}
