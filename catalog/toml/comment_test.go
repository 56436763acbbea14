package toml

import (
	"fmt"
	"slices"
	"testing"
)

func TestComments(t *testing.T) {
	const text = `# first
a = "no # comment" # second
b = 'nor \' # third
c = """
# nor this
"a quote \""" # nor that
""" # fourth
d = [ 1, # fifth
   # sixth ✓
]
e = ''  # seventh`
	doc, faults := Parse("x.toml", []byte(text))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	var got []string
	for c := range doc.Comments() {
		got = append(got, fmt.Sprintf("%d:%d+%d %s %v", c.At.Line, c.At.Col, c.At.Width, c.Body, c.Alone))
	}
	want := []string{
		"1:1+7 first true",
		"2:20+8 second false",
		"3:13+7 third false",
		"7:5+8 fourth false",
		"8:10+7 fifth false",
		"9:4+9 sixth ✓ true",
		"11:9+9 seventh false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}
