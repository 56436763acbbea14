package graph

import (
	"context"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestAralia reads the fault trees of a folder as catalogs and holds what their tops
// come to against expected.tsv beside them. Columns are known by their names and may
// be missing but for the name of the tree; so may files and lines.
func TestAralia(t *testing.T) {
	folder := os.Getenv("KNOCKON_ARALIA")
	if folder == "" {
		folder = filepath.Join(moduleRoot(t), "..", "shared", "reference", "aralia")
	}
	table, err := os.ReadFile(filepath.Join(folder, "expected.tsv"))
	if err != nil {
		t.Skipf("skipped: there are no fault trees in %s; name their folder in KNOCKON_ARALIA", folder)
	}
	lines := strings.Split(strings.TrimSpace(string(table)), "\n")
	head := strings.Split(strings.TrimRight(lines[0], "\r"), "\t")
	trees, passed := 0, 0
	for _, line := range lines[1:] {
		row := make(map[string]string)
		for i, field := range strings.Split(strings.TrimRight(line, "\r"), "\t") {
			if i < len(head) {
				row[head[i]] = strings.TrimSpace(field)
			}
		}
		trees++
		start := time.Now()
		said, err := checkTree(t.Context(), filepath.Join(folder, row["tree"]+".xml"), row)
		if err != nil {
			t.Errorf("%s: %v", row["tree"], err)
		} else {
			passed++
		}
		t.Logf("%s: %s, %.2f s", row["tree"], said, time.Since(start).Seconds())
	}
	fmt.Printf("aralia: %d trees, %d passed, %d failed\n", trees, passed, trees-passed)
}

func checkTree(ctx context.Context, file string, row map[string]string) (said string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return "not read", err
	}
	defer f.Close()
	tree, err := readPSA(f)
	if err != nil {
		return "not read", err
	}
	c, err := tree.services()
	if err != nil {
		return "not read", err
	}
	ft, p, err := c.faultTree(ctx)
	if err != nil {
		return "not solved", err
	}
	var wrong []string
	check := func(column, got string) {
		if want, ok := row[column]; ok && want != "" && got != want {
			wrong = append(wrong, fmt.Sprintf("%s: got %s, want %s", column, got, want))
		}
	}
	orders := ft.Orders()
	sum := new(big.Int)
	var by []string
	for i, n := range orders {
		sum.Add(sum, n)
		if i > 0 {
			by = append(by, n.String())
		}
	}
	is := ft.Probability(p)
	check("gates", strconv.Itoa(len(tree.gates)))
	check("events", strconv.Itoa(len(tree.events)))
	check("minimal_cut_sets", sum.String())
	check("cut_sets_by_order_from_1", strings.Join(by, ","))
	if want := row["p_top"]; want != "" && !agrees(is, want) {
		wrong = append(wrong, fmt.Sprintf("p_top: got %.9g, want %s", is, want))
	}
	said = fmt.Sprintf("%s minimal cut sets, probability %.6g, %d vertices", sum, is, ft.Size())
	if len(wrong) > 0 {
		return said, fmt.Errorf("%s", strings.Join(wrong, "; "))
	}
	return said, nil
}

// agrees reports whether a number is the one that is printed, to the digits it has.
func agrees(got float64, printed string) bool {
	want, err := strconv.ParseFloat(printed, 64)
	if err != nil {
		return false
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(printed), "e")
	digits := len(strings.TrimLeft(strings.ReplaceAll(strings.TrimLeft(mantissa, "-+"), ".", ""), "0"))
	half := 0.5000001 * pow10(exponentOf(want)-digits+1)
	return got == want || got >= want-half && got <= want+half
}

func exponentOf(x float64) int {
	_, e, _ := strings.Cut(strconv.FormatFloat(x, 'e', -1, 64), "e")
	n, _ := strconv.Atoi(e)
	return n
}

func pow10(n int) float64 {
	x, _ := strconv.ParseFloat(fmt.Sprintf("1e%d", n), 64)
	return x
}

// faultTree is the top of a fault tree by way of a graph of services.
func (c *psaCatalog) faultTree(ctx context.Context) (*FaultTree, []float64, error) {
	g := Build(c.catalog)
	o := TreeOptions{Reliable: func(v Node) bool { _, fails := c.fail[g.ID(v)]; return !fails }}
	for _, id := range c.given {
		o.Given = append(o.Given, g.must(id))
	}
	if len(c.negates) > 0 {
		o.opposes = make(map[Node]Node)
		for no, id := range c.negates {
			o.opposes[g.must(no)] = g.must(id)
		}
	}
	ft, err := g.FaultTree(ctx, g.must(c.top), o)
	if err != nil {
		return nil, nil, err
	}
	p := make([]float64, len(ft.Causes()))
	for i, cause := range ft.Causes() {
		p[i] = c.fail[cause.Name]
	}
	return ft, p, nil
}

func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		t.Fatal("there is no go.mod above this test")
	}
}
