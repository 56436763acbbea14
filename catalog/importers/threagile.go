package importers

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
)

// threagile reads threat models: technical assets are services, and a communication
// link leads from the asset that begins it to its target.
//
// Source: support/schema.json in Threagile/threagile.
var threagile = Format{
	Name:  "threagile",
	Title: "Threagile",
	What:  "threagile.yaml and the files that it includes",
	detects: func(s *sample) bool {
		return s.yaml["threagile_version"] || s.yaml["technical_assets"] || s.json["technical_assets"]
	},
	reads: readThreagile,
}

type threagileAsset struct {
	id   string
	file File
	tree *tree
}

func readThreagile(d *Draft, files []File, _ Options) {
	var assets []threagileAsset
	groups := make(map[string]string) // of an asset
	for _, f := range files {
		docs, err := readTrees(f.Data)
		if err != nil {
			d.Errorf(f.whole(), "", "this is no model of Threagile: %v", err)
			continue
		}
		for _, doc := range docs {
			for _, k := range doc.get("technical_assets").entries() {
				id := cmp.Or(k.value.get("id").str(), k.name)
				assets = append(assets, threagileAsset{cleanName(id), f, k.value})
				s := d.Declare(id, f.at(k.line))
				s.Title = k.name
				s.describeAsset(k.value, f)
			}
			boundaries(doc.get("trust_boundaries"), groups)
			for _, include := range doc.get("includes").strs() {
				p := path.Join(f.folder(), include.text)
				if !slices.ContainsFunc(files, func(other File) bool { return path.Clean(other.Name) == p }) {
					d.Warnf(f.at(include.line), "name it too", "what %q includes is not read: only files that were named are", cleanName(include.text))
				}
			}
		}
	}
	var ids []string
	for _, a := range assets {
		ids = append(ids, a.id)
		d.Declare(a.id, diag.Span{}).Group = groups[a.id]
	}
	declared := make(map[string]bool)
	for _, id := range ids {
		declared[id] = true
	}
	for _, a := range assets {
		for _, link := range a.tree.get("communication_links").entries() {
			target := link.value.get("target")
			if target == nil {
				continue
			}
			if !declared[cleanName(target.text)] {
				d.Warnf(a.file.at(target.line), d.suggest(target.text, ids), "%q has a link to %q, and there is no asset of that ID", a.id, cleanName(target.text))
			}
			d.Need(a.id, target.text, Claim{At: a.file.at(target.line), For: link.name, Rule: cleanText(link.value.get("protocol").str())})
		}
	}
}

// threagileTechnologies are technologies of assets that are no plain services.
var threagileTechnologies = map[string]catalog.Kind{
	"database": catalog.KindDatabase, "identity-store-database": catalog.KindDatabase, "identity-store-ldap": catalog.KindDatabase, "search-index": catalog.KindDatabase,
	"data-lake": catalog.KindDatabase, "block-storage": catalog.KindDatabase, "local-file-system": catalog.KindDatabase, "file-server": catalog.KindDatabase,
	"message-queue": catalog.KindQueue, "event-broker": catalog.KindQueue, "stream-processing": catalog.KindQueue,
	"load-balancer": catalog.KindGateway, "reverse-proxy": catalog.KindGateway, "gateway": catalog.KindGateway, "waf": catalog.KindGateway, "service-mesh": catalog.KindGateway,
	"monitoring": catalog.KindTool, "build-pipeline": catalog.KindTool, "sourcecode-repository": catalog.KindTool, "artifact-registry": catalog.KindTool,
	"code-inspection-platform": catalog.KindTool, "devops-client": catalog.KindTool, "cli": catalog.KindTool, "ids": catalog.KindTool, "ips": catalog.KindTool, "scanner": catalog.KindTool,
	"browser": catalog.KindApplication, "desktop": catalog.KindApplication, "mobile-app": catalog.KindApplication, "client-system": catalog.KindApplication,
	"batch-processing": catalog.KindWorker, "scheduler": catalog.KindWorker,
}

// describeAsset takes over what an asset says of itself.
func (s *Service) describeAsset(t *tree, f File) {
	s.Description, s.Owner = t.get("description").str(), t.get("owner").str()
	if availability := t.get("availability"); availability != nil {
		s.Tier = criticality(availability.str(), place(f.at(availability.line))+": availability "+cleanName(availability.str()))
	}
	for _, technology := range append(t.get("technology").strs(), t.get("technologies").strs()...) {
		if kind, ok := threagileTechnologies[strings.ToLower(technology.text)]; ok && s.Kind == catalog.KindService {
			s.Kind = kind
		}
	}
	switch {
	case s.Kind != catalog.KindService:
	case t.get("type").str() == "datastore":
		s.Kind = catalog.KindDatabase
	case t.get("type").str() == "external-entity":
		s.Kind = catalog.KindExternal
	}
}

// boundaries finds the path of trust boundaries around each asset.
func boundaries(t *tree, groups map[string]string) {
	title := make(map[string]string)
	around := make(map[string]string) // the boundary around a boundary
	for _, k := range t.entries() {
		id := k.value.get("id").str()
		title[id] = k.name
		for _, nested := range k.value.get("trust_boundaries_nested").strs() {
			around[nested.text] = id
		}
	}
	for _, k := range t.entries() {
		var path []string
		for id := k.value.get("id").str(); title[id] != "" && len(path) < maxGroups; id = around[id] {
			path = append(path, title[id])
		}
		slices.Reverse(path)
		group := cleanGroup(path...)
		for _, inside := range k.value.get("technical_assets_inside").strs() {
			groups[cleanName(inside.text)] = group
		}
	}
}
