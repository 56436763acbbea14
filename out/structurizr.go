package out

import (
	"encoding/json"
	"io"
	"strconv"
)

type structurizrWorkspace struct {
	Name        string           `json:"name"`
	Description string           `json:"description,omitempty"`
	Model       structurizrModel `json:"model"`
}

type structurizrModel struct {
	SoftwareSystems []structurizrSystem `json:"softwareSystems"`
}

type structurizrSystem struct {
	ID         string                 `json:"id"`
	Name       string                 `json:"name"`
	Tags       string                 `json:"tags"`
	Containers []structurizrContainer `json:"containers"`
}

type structurizrContainer struct {
	ID            string                    `json:"id"`
	Name          string                    `json:"name"`
	Description   string                    `json:"description,omitempty"`
	Group         string                    `json:"group,omitempty"`
	Tags          string                    `json:"tags"`
	Properties    map[string]string         `json:"properties,omitempty"`
	Relationships []structurizrRelationship `json:"relationships,omitempty"`
}

type structurizrRelationship struct {
	ID               string `json:"id"`
	SourceID         string `json:"sourceId"`
	DestinationID    string `json:"destinationId"`
	Description      string `json:"description,omitempty"`
	Tags             string `json:"tags"`
	InteractionStyle string `json:"interactionStyle,omitempty"`
}

// writeStructurizr writes a workspace with one software system, the catalog, whose
// containers are the services.
//
// Source: https://github.com/structurizr/json
func writeStructurizr(w io.Writer, r Report, _ Options) error {
	m, ok := r.(*Map)
	if !ok {
		return unsupported("structurizr", r)
	}
	title := m.Title
	if title == "" {
		title = "Services"
	}
	id := func(i int) string { return strconv.Itoa(i + 2) } // 1 is the system
	system := structurizrSystem{ID: "1", Name: printable(title), Tags: "Element,Software System", Containers: []structurizrContainer{}}
	for i := range m.Services {
		s := &m.Services[i]
		c := structurizrContainer{
			ID: id(i), Name: printable(s.ID), Description: printable(s.Description), Group: printable(s.Group), Tags: "Element,Container",
			Properties: make(map[string]string),
		}
		if s.Kind == "database" {
			c.Tags += ",Database"
		}
		for key, value := range map[string]string{"kind": s.Kind, "owner": s.Owner, "title": s.Title} { // encoding/json sorts the keys
			if value != "" {
				c.Properties[key] = printable(value)
			}
		}
		if s.Tier != nil {
			c.Properties["tier"] = strconv.FormatInt(*s.Tier, 10)
		}
		system.Containers = append(system.Containers, c)
	}
	for i := range m.Links {
		l := &m.Links[i]
		x := structurizrRelationship{
			ID: strconv.Itoa(len(m.Services) + 2 + i), SourceID: id(l.From), DestinationID: id(l.To), Description: printable(l.For), Tags: "Relationship",
		}
		if x.Description == "" {
			x.Description = l.Kind.String()
		}
		if l.Kind == Queued {
			x.InteractionStyle = "Asynchronous"
		}
		c := &system.Containers[l.From]
		c.Relationships = append(c.Relationships, x)
	}
	e := json.NewEncoder(hiddenEscaper{w})
	e.SetIndent("", "  ")
	return e.Encode(structurizrWorkspace{
		Name: printable(title), Description: printable(m.Description),
		Model: structurizrModel{SoftwareSystems: []structurizrSystem{system}},
	})
}

// jsonQuote is a text as a string of JSON.
func jsonQuote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic("out: " + err.Error())
	}
	return string(text)
}
