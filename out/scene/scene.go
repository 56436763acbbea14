// Package scene is a picture without a renderer: boxes, arrows and frames with
// their words and sizes, and after layout their places. It is plain data, so that
// a golden file of a placed scene shows whether the model, the layout or the
// drawing has changed.
//
// A layout engine (package gv) reads sizes and writes places; a writer (package
// out) reads both. Coordinates are in pixels, x to the right and y down, from the
// upper left corner of the diagram.
package scene

// Scene is one picture.
type Scene struct {
	Title    string   // the headline
	Context  string   // what it is a picture of; may be empty
	Summary  []string // what to know at a glance, a line each
	Counts   []Share  // services by outcome, worst first; empty where outcomes do not matter
	Notes    []string // what to know when reading on
	Legend   []Entry  // what the signs mean; only those that occur
	Columns  int      // number of columns of nodes
	Clusters []Cluster
	Nodes    []Node
	Edges    []Edge
	Size     Size // of the diagram, without headline and legend; set by the layout
}

// Entry explains a sign.
type Entry struct{ Sign, Text string }

// Cluster is a frame around nodes of one column.
type Cluster struct {
	ID    string
	Label string
	Box   Box // set by the layout
}

// Node is a box with a label.
type Node struct {
	ID      string
	Label   string
	Detail  string   // a second line
	When    string   // on the right of the second line
	Title   string   // shown on hover, lines separated by newlines
	Kind    string   // of service
	Tier    string   // "" where not stated
	Outcome string   // as reports write it; "" where outcomes do not matter
	Begins  float64  // seconds from the failure to the outcome
	Root    bool     // fails first
	Marks   []string // small signs: what else there is to know
	Shares  []Share  // of a folded node: what became of its services, worst first
	Folded  int      // how many services it stands for; 0 for one drawn by itself
	Column  int      // from the left
	Cluster int      // index, -1 for none
	Size    Size
	At      Point // of the centre; set by the layout
}

// Share is a number of services with one outcome.
type Share struct {
	Outcome string
	Count   int
}

// Edge is an arrow.
type Edge struct {
	ID       string
	From, To int // indices of nodes, as the arrow points
	Kind     string
	Role     Role
	Loose    bool    // finds its way between boxes and moves none of them
	Outcome  string  // what the arrow brings to To
	Badge    string  // a word on the arrow, such as "2/3"
	Title    string  // shown on hover
	Count    int     // needs it stands for
	Points   []Point // a start and cubic Béziers, three points each; set by the layout
	Own      int     // index of the point where it leaves or joins what it shares with others that have the same left end; set by the layout
}

// Role is what an edge is in a picture, the most important first.
type Role string

// The roles.
const (
	Carries Role = "carries" // a failure came this way
	Holds   Role = "holds"   // a failure stopped here
	Needs   Role = "needs"   // the user cannot do without
	Plain   Role = "plain"
)

// Point is a place.
type Point struct{ X, Y float64 }

// Size is a width and a height.
type Size struct{ Width, Height float64 }

// Box is a rectangle.
type Box struct{ Left, Top, Width, Height float64 }
