// Package gv places the parts of a scene with Graphviz, and does nothing else
// with it: no labels, colours or formats pass through it, so a picture does not
// depend on what Graphviz draws. It is the only package that imports go-graphviz.
//
// What one has to know of go-graphviz v0.2.10 (Graphviz 12.1.2 as WebAssembly):
// it is not safe for concurrent use and answers wrongly instead of crashing, so a
// mutex stands around it; every layout leaks some memory, so a server that draws
// must restart its layout process now and then; it ignores a context, so nodes
// are limited before; and it can lose edges without an error, so what comes back
// is counted. What its initialisation writes to disk is the matter of package
// privatecache.
package gv

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"

	graphviz "github.com/goccy/go-graphviz"

	"github.com/knockon/knockon/out/gv/internal/privatecache"
	"github.com/knockon/knockon/out/scene"
)

// MaxNodes is how many nodes Place takes. Graphviz needs a second for 1,000 and
// 13 s for 3,000.
const MaxNodes = 1000

func init() { privatecache.Restore() }

var mutex sync.Mutex

// Place sets the places of everything in a scene. An error is a fault of ours or
// of Graphviz, never of the labels, which it does not look at.
func Place(s *scene.Scene) error {
	if len(s.Nodes) > MaxNodes {
		return fmt.Errorf("gv: %d nodes are more than %d", len(s.Nodes), MaxNodes)
	}
	if len(s.Nodes) == 0 {
		s.Size = scene.Size{}
		return nil
	}
	for i := range s.Nodes {
		if n := &s.Nodes[i]; n.Column < 0 || n.Column >= s.Columns || n.Cluster >= len(s.Clusters) {
			return fmt.Errorf("gv: node %q stands nowhere", n.ID)
		}
	}
	for i := range s.Edges {
		e := &s.Edges[i]
		if !e.Loose && s.Nodes[e.From].Column == s.Nodes[e.To].Column {
			return fmt.Errorf("gv: edge %q stays in its column and must be loose", e.ID)
		}
	}
	if err := place(s); err != nil {
		return fmt.Errorf("gv: %w", err)
	}
	return nil
}

// render runs the dot engine and returns its JSON.
func render(dot []byte) (*output, error) {
	mutex.Lock()
	defer mutex.Unlock()
	ctx := context.Background()
	g, err := graphviz.New(ctx)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	parsed, err := graphviz.ParseBytes(dot)
	if err != nil {
		return nil, err
	}
	defer parsed.Close()
	var buffer bytes.Buffer
	if err := g.Render(ctx, parsed, "json0", &buffer); err != nil {
		return nil, err
	}
	// Graphviz writes NaN where its arithmetic fails; the decoder refuses it.
	var placed output
	if err := json.Unmarshal(buffer.Bytes(), &placed); err != nil {
		return nil, err
	}
	return &placed, nil
}
