package cli

import (
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"github.com/knockon/knockon/catalog/builtin"
	"github.com/knockon/knockon/out"
)

// TestShufflingTheTOMLChangesNoByte: tables, keys and lists of needs in any order
// give the same outputs of every command in every format.
func TestShufflingTheTOMLChangesNoByte(t *testing.T) {
	for _, c := range []struct{ catalog, root string }{
		{"web-shop", "payments"},
		{"aws-us-east-1", "dynamodb-dns"},
	} {
		t.Run(c.catalog, func(t *testing.T) {
			tree := decodeBuiltin(t, c.catalog)
			commands := [][]string{{"list"}, {"show", c.root}, {"check"}, {"rank", "--top", "0"}, {"rank", "--format", "json"}, {"audit", "--fail-on", "never", "--top", "0", "--format", "json"}}
			for _, f := range formatNames(formatsOf((*out.Run)(nil))) {
				commands = append(commands, []string{"blast", c.root, "--over-time", "--for", "2m", "--horizon", "5m", "--format", f})
			}
			for _, f := range formatNames(formatsOf((*out.Blast)(nil))) {
				commands = append(commands, []string{"blast", c.root, "--format", f})
			}
			for _, f := range formatNames(formatsOf((*out.Map)(nil))) {
				commands = append(commands, []string{"render", "--format", f})
			}
			// Pixels are made of the SVG, and take longest.
			commands = slices.DeleteFunc(commands, func(args []string) bool { return args[len(args)-1] == "png" })
			want := make([]string, len(commands))
			for seed := range uint64(3) {
				text := shuffled(tree, rand.New(rand.NewPCG(seed, 20)))
				for i, args := range commands {
					code, got, errs := run(t, text, append(args, "-c", "-")...)
					if code != exitFine {
						t.Fatalf("knockon %s: exit %d\n%s", strings.Join(args, " "), code, errs)
					}
					got = blanks.ReplaceAllString(declaredAt.ReplaceAllString(got, ""), " ")
					if seed == 0 {
						want[i] = got
					}
					if got != want[i] {
						t.Errorf("knockon %s depends on the order of the file", strings.Join(args, " "))
					}
				}
			}
		})
	}
}

// declaredAt is where something is declared, which moves with its line. How texts are
// broken into lines moves with the length of that.
var (
	declaredAt = regexp.MustCompile(`stdin:[0-9]+(:[0-9]+)?|"(line|column)": [0-9]+`)
	blanks     = regexp.MustCompile(`(\s|&#xA;)+`)
)

// decodeBuiltin reads all files of a built-in catalog into one tree.
func decodeBuiltin(t *testing.T, name string) map[string]any {
	t.Helper()
	tree := make(map[string]any)
	err := fs.WalkDir(builtin.FS, name, func(p string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(p, ".toml") {
			return err
		}
		data, err := fs.ReadFile(builtin.FS, p)
		if err != nil {
			return err
		}
		var file map[string]any
		if err := toml.Unmarshal(data, &file); err != nil {
			return err
		}
		merge(tree, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func merge(into, from map[string]any) {
	for k, v := range from {
		if table, ok := v.(map[string]any); ok {
			if have, ok := into[k].(map[string]any); ok {
				merge(have, table)
				continue
			}
		}
		into[k] = v
	}
}

// shuffled writes a tree as TOML, with keys and the lists whose order means
// nothing in an order of r's.
func shuffled(tree map[string]any, r *rand.Rand) string {
	var b strings.Builder
	keys := shuffledKeys(tree, r)
	var tables []string
	for _, k := range keys {
		if _, ok := tree[k].(map[string]any); ok {
			for name := range tree[k].(map[string]any) {
				tables = append(tables, k+"\x00"+name)
			}
			continue
		}
		fmt.Fprintf(&b, "%s = %s\n", quoteKey(k), inline(tree[k], r))
	}
	slices.Sort(tables)
	r.Shuffle(len(tables), func(i, j int) { tables[i], tables[j] = tables[j], tables[i] })
	for _, id := range tables {
		k, name, _ := strings.Cut(id, "\x00")
		table := tree[k].(map[string]any)[name].(map[string]any)
		fmt.Fprintf(&b, "\n[%s.%s]\n", quoteKey(k), quoteKey(name))
		for _, key := range shuffledKeys(table, r) {
			fmt.Fprintf(&b, "%s = %s\n", quoteKey(key), inline(table[key], r))
		}
	}
	return b.String()
}

func shuffledKeys(table map[string]any, r *rand.Rand) []string {
	keys := slices.Sorted(maps.Keys(table))
	r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return keys
}

func inline(v any, r *rand.Rand) string {
	list := func(n int, at func(int) any) string {
		items := make([]string, n)
		for i := range items {
			items[i] = inline(at(i), r)
		}
		r.Shuffle(n, func(i, j int) { items[i], items[j] = items[j], items[i] })
		return "[" + strings.Join(items, ", ") + "]"
	}
	switch v := v.(type) {
	case string:
		return quoteKey(v)
	case []any:
		return list(len(v), func(i int) any { return v[i] })
	case []map[string]any:
		return list(len(v), func(i int) any { return v[i] })
	case map[string]any:
		var parts []string
		for _, k := range shuffledKeys(v, r) {
			parts = append(parts, quoteKey(k)+" = "+inline(v[k], r))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	}
	return fmt.Sprint(v)
}

func quoteKey(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
