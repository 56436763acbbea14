package out

import (
	"io"

	"github.com/knockon/knockon/out/raster"
)

// pixelScale is how many pixels a unit of a picture has: two, for screens of today.
const pixelScale = 2

// writePNG paints the picture that SVG draws, for chats and tickets that show no SVG.
func writePNG(w io.Writer, r Report, o Options) error {
	svg, err := svgOf(r, o.Picture)
	if err != nil {
		return err
	}
	return raster.PNG(w, svg, raster.Options{Scale: pixelScale, Width: func(text string, size float64, bold bool) float64 {
		return style{size, bold}.width(text)
	}})
}
