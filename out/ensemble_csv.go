package out

import "encoding/csv"

// writeManyCSV writes one row for every bin of every service.
func writeManyCSV(c *csv.Writer, e *Ensemble) error {
	head := []string{"time_s", "length_s", "clock", "service"}
	for _, x := range manySeries {
		head = append(head, x.name+"_"+x.unit)
	}
	if err := c.Write(head); err != nil {
		return err
	}
	lengths := e.lengths()
	for i := range e.Many.Services {
		s := &e.Many.Services[i]
		for k := range s.Goodput {
			row := []string{tableNumber(e.Times[k]), tableNumber(lengths[k]), e.clockOf(e.Times[k]), tableText(s.ID)}
			for _, x := range manySeries {
				row = append(row, tableNumber(x.of(s, k)))
			}
			if err := c.Write(row); err != nil {
				return err
			}
		}
	}
	c.Flush()
	return c.Error()
}
