package propagate

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/scenario"
)

func TestDbg(t *testing.T) {
	dir, cf, sf := os.Getenv("DIR"), os.Getenv("CAT"), os.Getenv("SC")
	var from, to float64
	fmt.Sscan(os.Getenv("AT"), &from, &to)
	if cf == "" {
		cf = "catalog.toml"
	}
	c, l, err := catalog.Load(catalog.Source{FS: os.DirFS("testdata/cases/" + dir), Path: cf, Name: cf})
	if err != nil || l.HasErrors() {
		t.Fatal(err, l)
	}
	s, l, err := scenario.ReadFile(os.DirFS("testdata/cases/"+dir), sf, sf)
	if err != nil || s == nil {
		t.Fatal(err, l)
	}
	m, _ := compile(c, s)
	en := newEngine(c, m, s, Options{})
	en.rec.index = map[string]int32{}
	for v := range m.servers {
		en.rec.index[m.servers[v].id] = int32(v)
	}
	dbg = func(h, change float64) {
		if en.t < from || en.t > to {
			return
		}
		fmt.Printf("%.4f h %.4f ch %.3g", en.t, h, change)
		for v := range m.servers {
			s := &m.servers[v]
			q := 0.0
			for k := range s.lanes {
				q += s.lanes[k].queue.Mass()
			}
			fmt.Printf(" {%s start %.2f fin %.2f held %.3f q %.2f}", s.id, s.rateStart, s.finishing, s.threadsIn, q)
		}
		for i := range m.calls {
			e := &m.calls[i]
			if e.from >= 0 {
				fmt.Printf(" [%s>%s sent %.2f good %.2f lost %.2f q %.3f under %.2f debt %.2f tok %.1f]", m.servers[e.from].id, m.servers[e.to].id, e.rateSent, e.rateGood, e.rateLost, e.q, e.under(), e.debt, e.budget.Tokens)
			}
		}
		fmt.Println()
	}
	defer func() { dbg = nil }()
	en.run(context.Background(), nil)
}
