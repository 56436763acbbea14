package out

// Icons are strokes in a square of 16 pixels; the stylesheet colours them.
var icons = map[string]string{
	// Outcomes, told apart without colour.
	"root":     `<path class="solid" d="M9.5 1 3.5 9h3.6L6.2 15l6.3-8.4H8.8Z"/>`,
	"down":     `<path d="m4 4 8 8m0-8-8 8"/>`,
	"corrupt":  `<path d="M3.5 6h9m-9 4h9M10.5 3l-5 10"/>`,
	"degraded": `<circle cx="8" cy="8" r="5.5"/><path class="solid" d="M8 2.5a5.5 5.5 0 0 1 0 11Z"/>`,
	"delayed":  `<circle cx="8" cy="8" r="5.5"/><path d="M8 4.800V8l2.3 1.6"/>`,
	"frozen":   `<path d="M8 1.800v12.400M2.6 4.900l10.8 6.200m0-6.200L2.6 11.100M6.3 2.8 8 4.5l1.7-1.700M6.3 13.2 8 11.5l1.7 1.7"/>`,
	"stale":    `<path d="M3.2 9.300A5 5 0 1 0 4.6 4.400L3 6m0-3.400V6h3.400M8 5.300V8l1.8 1.2"/>`,
	"safe":     `<path d="M8 1.5c1.8 1.3 3.5 1.8 5.2 1.900v4c0 3.3-2 5.7-5.2 7.1-3.2-1.4-5.2-3.8-5.2-7.100v-4C4.5 3.3 6.2 2.8 8 1.5Z"/><path d="m5.5 7.9 1.9 1.9 3.3-3.5"/>`,

	// Kinds of services.
	"service":       `<path d="M8 1.8 13.4 5v6L8 14.2 2.6 11V5Z"/>`,
	"application":   `<rect x="1.8" y="2.8" width="12.4" height="10.4" rx="1.5"/><path d="M1.8 6h12.400M4 4.400h.1m1.9 0h.1"/>`,
	"database":      `<ellipse cx="8" cy="3.8" rx="5.2" ry="2"/><path d="M2.8 3.800v8.400c0 1.1 2.3 2 5.2 2s5.2-.9 5.2-2V3.800M2.8 8c0 1.1 2.3 2 5.2 2s5.2-.9 5.2-2"/>`,
	"queue":         `<path d="M2 4.5h12M2 11.5h12M5 4.5v7m3-7v7m3-7v7"/>`,
	"cache":         `<path d="m8 2 6 3-6 3-6-3Zm-6 6 6 3 6-3M2 11l6 3 6-3"/>`,
	"dns":           `<circle cx="8" cy="8" r="6"/><path d="M2 8h12M8 2c3.5 3.5 3.5 8.5 0 12M8 2c-3.5 3.5-3.5 8.5 0 12"/>`,
	"gateway":       `<path d="M2 8h4m0 0 5-4.5M6 8h6M6 8l5 4.5m-1-9h1.800v1.800M10 12.5h1.800v-1.800M10.8 6.6 12.5 8l-1.7 1.4"/>`,
	"control-plane": `<path d="M3.5 2v5m0 3.5V14M8 2v2m0 3.5V14m4.5-12v6m0 3.5V14M2 8.700h3M6.5 5.700h3M11 9.700h3"/>`,
	"worker":        `<circle cx="8" cy="8" r="2.3"/><path d="M8 1.800v2.100m0 8.200v2.100M1.8 8h2.100m8.2 0h2.100M3.6 3.600l1.5 1.5m5.8 5.8 1.5 1.5m0-8.8-1.5 1.5m-5.8 5.8-1.5 1.5"/>`,
	"tool":          `<path d="M13.5 4.300a3.6 3.6 0 0 1-4.8 4.300L4.5 13a1.4 1.4 0 0 1-2-2l4.4-4.200A3.6 3.6 0 0 1 11.2 2L9.1 4.100l.4 2 2 .4Z"/>`,
	"group":         `<rect x="2" y="4.5" width="9.5" height="9.5" rx="1.5"/><path d="M4.5 2h8a1.5 1.5 0 0 1 1.5 1.5v8"/>`,
	"external":      `<path d="M4.6 12.5a3 3 0 0 1-.3-6 3.9 3.9 0 0 1 7.5.6 2.7 2.7 0 0 1-.3 5.400Z"/>`,
}

// smallIcons are signs on arrows and marks in boxes, in a square of 12 pixels.
var smallIcons = map[string]string{
	"fallback": `<path d="M1.5 9.5h2C6 9.5 6 3 8.5 3h2M8.8 1.2 10.6 3 8.8 4.8"/>`,
	"stale":    `<path d="M2.3 7A3.9 3.9 0 1 0 3.4 3.200L2.2 4.400m0-2.5v2.5h2.6"/>`,
	"async":    `<path d="M2.5 3v6m3.5-6v6m3.5-6v6"/>`,
	"fresh":    `<circle cx="6" cy="6" r="4.2"/><path d="M6 3.5V6l1.6 1"/>`,
	"lease":    `<path d="M2.8 1.5h6.400M2.8 10.5h6.400M3.5 1.5C3.5 5 8.5 7 8.5 10.5M8.5 1.5C8.5 5 3.5 7 3.5 10.5"/>`,
	"change":   `<path d="M2 10l.6-2.4 5.6-5.6 1.8 1.8-5.6 5.600Z"/>`,
	"repair":   `<path d="M10.2 3.300a2.7 2.7 0 0 1-3.6 3.200L3.4 9.700a1 1 0 0 1-1.5-1.5l3.3-3.100A2.7 2.7 0 0 1 8.4 1.5L6.9 3l.3 1.5 1.5.3Z"/>`,
	"holds":    `<path d="M6 1.200c1.4 1 2.7 1.3 3.9 1.400v3c0 2.4-1.5 4.2-3.9 5.2-2.4-1-3.9-2.8-3.9-5.200v-3C3.3 2.5 4.6 2.2 6 1.200Z"/>`,
}

// shieldSign stands on an arrow where a failure stops, its centre at the origin.
const shieldSign = `<path class="shield" d="M0-9c2.3 1.7 4.6 2.3 6.9 2.400v5.300c0 4.3-2.7 7.5-6.9 9.5-4.2-2-6.9-5.2-6.9-9.5v-5.300C-4.6-6.7-2.3-7.3 0-9Z"/><path class="check" d="m-3.1-.4 2.3 2.4 3.9-4.2"/>`
