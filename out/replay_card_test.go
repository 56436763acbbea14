package out

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/replay"
)

// overlaidReplay is fixedReplay with two services laid over those of the incident: one
// that is impaired from 5 to 45 min, of which 5 are after the repair, and one of which too
// little fails.
func overlaidReplay(t testing.TB) *Replay {
	t.Helper()
	r := fixedReplay(t)
	r.Own, r.OwnTitle = []string{"checkout", "idle"}, "Parcel Desk"
	index := func(id string) int {
		return slices.IndexFunc(r.Services, func(s RunService) bool { return s.ID == id })
	}
	r.Impaired = append(r.Impaired, Impairment{Service: index("checkout"), By: index("ledger"), Because: "ledger down 5m–40m", Recovery: math.NaN()})
	return r
}

func drawnCard(t testing.TB, r *Replay) []byte {
	t.Helper()
	f, _ := FormatNamed("svg")
	var b bytes.Buffer
	if err := f.Write(&b, r, Options{Picture: Card}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCard(t *testing.T) {
	golden(t, filepath.Join("testdata", "replay.card.svg"), drawnCard(t, overlaidReplay(t)))
}

// TestFallout holds the numbers of a card against those that fixedReplay is made of.
func TestFallout(t *testing.T) {
	r := overlaidReplay(t)
	f := r.fallout()
	if len(f.services) != 2 || f.hit != 1 || f.minutes != 40 || f.mended != 40 || f.deed != "ledger was restored" {
		t.Errorf("%+v", f)
	}
	s := f.worst()
	if s == nil || s != f.first() || r.Services[s.index].ID != "checkout" || s.from != 5 || s.impaired != 40 || s.after != 5 || s.open {
		t.Fatalf("the worst is %+v", s)
	}
	if len(f.ways) != 1 || r.Services[f.ways[0].service].ID != "ledger" || f.ways[0].hit != 1 {
		t.Errorf("ways %+v", f.ways)
	}
	text := string(written(t, "text", r))
	for _, want := range []string{"1 of 2 services of Parcel Desk is hit", "degraded for 40m; 5m of it after ledger was restored at 00:10", "first hit at 23:35: ", "through "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

// TestFalloutOfARing: two services that owe their worst to each other have no way in, and
// do not keep anybody looking for one.
func TestFalloutOfARing(t *testing.T) {
	r := overlaidReplay(t)
	r.Own = []string{"checkout", "ledger"}
	m := &r.Impaired[len(r.Impaired)-1]
	r.Impaired = append(r.Impaired, Impairment{Service: m.By, By: m.Service})
	if f := r.fallout(); f.hit != 2 || len(f.ways) != 0 {
		t.Errorf("%d hit, ways %+v", f.hit, f.ways)
	}
}

// TestCardOfNobody: where nothing is hit, or nothing is laid over, a card says so.
func TestCardOfNobody(t *testing.T) {
	r := overlaidReplay(t)
	r.Own = []string{"idle"}
	if text := string(drawnCard(t, r)); !strings.Contains(text, "The one service of Parcel Desk is not hit") || !strings.Contains(text, "No two minutes in which 5 % of what is asked of them fails") || !strings.Contains(text, "0 of 1") {
		t.Error(text)
	}
	r.Own, r.OwnTitle = nil, ""
	if text := string(drawnCard(t, r)); !strings.Contains(text, "No services are laid over those of the incident") {
		t.Error(text)
	}
}

// TestHostileCard: names come from files that nobody trusts, and a card stays a picture of
// its size.
func TestHostileCard(t *testing.T) {
	for _, text := range append(slices.Clone(hostile), strings.Repeat("W", 10_000)) {
		r := overlaidReplay(t)
		r.Title, r.OwnTitle = text, text
		for i := range r.Services {
			r.Services[i].Title = text
		}
		r.Impaired[len(r.Impaired)-1].Because = text
		picture := drawnCard(t, r)
		if len(picture) > 60_000 {
			t.Errorf("%.40q: %d bytes", text, len(picture))
		}
		d := xml.NewDecoder(bytes.NewReader(picture))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%.40q: %v", text, err)
			}
			if e, ok := token.(xml.StartElement); ok && (e.Name.Local == "script" || e.Name.Local == "a") {
				t.Errorf("%.40q: an element %s", text, e.Name.Local)
			}
		}
	}
}

// TestWavesHaveTheirOwnWays: a service that is hit twice may owe it to two others.
func TestWavesHaveTheirOwnWays(t *testing.T) {
	r := overlaidReplay(t)
	r.Replay.Impacts = append(r.Replay.Impacts, replay.Impact{Service: "checkout", State: propagate.Degraded, From: 80, To: 90})
	r.explain = func(service string, at float64) *propagate.Cause {
		target := "ledger"
		if at > 3600 {
			target = "mail"
		}
		return &propagate.Cause{Service: service, Kind: propagate.NeedCause, Target: target, Because: []propagate.Cause{{Service: target, Kind: propagate.ThrottleCause}}}
	}
	f := r.fallout()
	if len(f.ways) != 2 || r.Services[f.ways[0].service].ID != "ledger" || f.ways[0].minutes != 40 || r.Services[f.ways[1].service].ID != "mail" || f.ways[1].minutes != 10 {
		t.Fatalf("ways %+v", f.ways)
	}
	if f.reasons() != "ledger turns requests away; mail turns requests away" || f.worst().after != 15 {
		t.Errorf("because %q; %+v", f.reasons(), f.worst())
	}
}
