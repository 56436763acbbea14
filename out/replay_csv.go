package out

import (
	"encoding/csv"
	"math"
	"strconv"
)

// writeReplayCSV writes a row for every recorded window, with what came out beside it.
// Times are minutes after the start; a cell is empty where a number does not apply.
func writeReplayCSV(c *csv.Writer, r *Replay) error {
	head := []string{
		"service", "state", "confidence", "recorded_start_lo", "recorded_start_hi", "recorded_end_lo", "recorded_end_hi",
		"simulated_state", "simulated_start", "simulated_end", "start_class", "end_class", "onset_error", "recovery_error", "scored", "unscored_because",
	}
	if err := c.Write(head); err != nil {
		return err
	}
	number := func(f float64) string {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return ""
		}
		return strconv.FormatFloat(math.Round(f*1e6)/1e6, 'f', -1, 64)
	}
	s := r.Replay.Shown()
	for i := range r.Replay.Record.Windows {
		w, x := &r.Replay.Record.Windows[i], &s.Windows[i]
		ends := []string{"", "", "", ""}
		if w.Start.Known {
			ends[0], ends[1] = number(w.Start.Low/60), number(w.Start.High/60)
		}
		if w.End.Known {
			ends[2], ends[3] = number(w.End.Low/60), number(w.End.High/60)
		}
		row := append([]string{tableText(w.Service), w.State, w.Confidence}, ends...)
		row = append(row, stateWord(x.Impact), number(x.Onset.Simulated), number(x.Recover.Simulated), w.StartClass.String(), w.EndClass.String(),
			number(x.Onset.Error), number(x.Recover.Error), strconv.FormatBool(w.Scores()), tableText(w.Unscored))
		if err := c.Write(row); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}
