package bench

import (
	"fmt"
	"html/template"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// series is one named line of a plot, or one named group of bars.
type series struct {
	name string
	x, y []float64
}

const (
	plotWidth, plotHeight         = 860, 300
	plotLeft, plotRight           = 80, 20
	plotTop, plotBottom           = 42, 40
	plotInnerW                    = plotWidth - plotLeft - plotRight
	plotInnerH                    = plotHeight - plotTop - plotBottom
	plotLabel             float64 = 44
	gridLines                     = 4
	colours                       = "#2563eb #d97706 #059669 #dc2626 #7c3aed #0891b2 #be185d #4d7c0f"
	smallestShown         float64 = 1e-9
)

func colour(i int) string {
	all := strings.Fields(colours)
	return all[i%len(all)]
}

// linePlot draws series over x as an SVG of its own. All y are 0 or more.
func linePlot(x, y string, all []series) template.HTML {
	var xMax, yMax float64
	for _, s := range all {
		for i := range s.x {
			xMax, yMax = max(xMax, s.x[i]), max(yMax, s.y[i])
		}
	}
	p := newPlot(x, y, niceCeil(yMax))
	xMax = max(math.Ceil(xMax), smallestShown)
	for i := range gridLines + 1 {
		at := xMax * float64(i) / gridLines
		p.text(p.atX(at/xMax), plotHeight-plotBottom+16, "middle", axis(at))
	}
	for i, s := range all {
		var points strings.Builder
		for k := range s.x {
			fmt.Fprintf(&points, "%.1f,%.1f ", p.atX(s.x[k]/xMax), p.atY(s.y[k]))
		}
		fmt.Fprintf(&p.svg, `<polyline fill="none" stroke="%s" stroke-width="1.5" points="%s"/>`, colour(i), points.String())
		p.legend(i, s.name)
	}
	return p.end()
}

// logPlot draws series over the logarithm of x, with every x that occurs named:
// for few points, far apart.
func logPlot(x, y string, all []series) template.HTML {
	var xMax, yMax float64
	named := map[float64]bool{}
	for _, s := range all {
		for i := range s.x {
			xMax, yMax = max(xMax, s.x[i]), max(yMax, s.y[i])
			named[s.x[i]] = true
		}
	}
	p := newPlot(x, y, niceCeil(yMax))
	at := func(v float64) float64 { return p.atX(math.Log1p(v) / max(math.Log1p(xMax), smallestShown)) }
	last := -plotLabel
	for _, v := range slices.Sorted(maps.Keys(named)) {
		if here := at(v); here-last >= plotLabel { // or one would lie on the other
			p.text(here, plotHeight-plotBottom+16, "middle", axis(v))
			last = here
		}
	}
	for i, s := range all {
		var points strings.Builder
		for k := range s.x {
			fmt.Fprintf(&points, "%.1f,%.1f ", at(s.x[k]), p.atY(s.y[k]))
			fmt.Fprintf(&p.svg, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"><title>%s at %s: %s</title></circle>`,
				at(s.x[k]), p.atY(s.y[k]), colour(i), template.HTMLEscapeString(s.name), axis(s.x[k]), short(s.y[k]))
		}
		fmt.Fprintf(&p.svg, `<polyline fill="none" stroke="%s" stroke-width="1.5" points="%s"/>`, colour(i), points.String())
		p.legend(i, s.name)
	}
	return p.end()
}

// barPlot draws a bar for each series within each group.
func barPlot(y string, groups []string, all []series) template.HTML {
	var yMax float64
	for _, s := range all {
		for _, v := range s.y {
			yMax = max(yMax, v)
		}
	}
	p := newPlot("", y, niceCeil(yMax))
	group := float64(plotInnerW) / float64(max(1, len(groups)))
	bar := group * 0.8 / float64(max(1, len(all)))
	for g, name := range groups {
		left := plotLeft + group*float64(g)
		p.text(left+group/2, plotHeight-plotBottom+16, "middle", name)
		for i, s := range all {
			top := p.atY(s.y[g])
			fmt.Fprintf(&p.svg, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"><title>%s, %s: %s</title></rect>`,
				left+group*0.1+bar*float64(i), top, bar*0.92, p.atY(0)-top, colour(i),
				template.HTMLEscapeString(name), template.HTMLEscapeString(s.name), short(s.y[g]))
		}
	}
	for i, s := range all {
		p.legend(i, s.name)
	}
	return p.end()
}

// plot is an SVG in the making.
type plot struct {
	svg  strings.Builder
	yMax float64
}

func newPlot(x, y string, yMax float64) *plot {
	p := &plot{yMax: max(yMax, smallestShown)}
	fmt.Fprintf(&p.svg, `<svg viewBox="0 0 %d %d" role="img" font-size="11" fill="currentColor">`, plotWidth, plotHeight)
	for i := range gridLines + 1 {
		v := p.yMax * float64(i) / gridLines
		fmt.Fprintf(&p.svg, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="currentColor" stroke-opacity="0.15"/>`,
			plotLeft, plotWidth-plotRight, p.atY(v), p.atY(v))
		p.text(plotLeft-6, p.atY(v)+4, "end", axis(v))
	}
	p.text(4, 14, "start", y)
	p.text(plotWidth-plotRight, plotHeight-6, "end", x)
	return p
}

func (p *plot) atX(share float64) float64 { return plotLeft + plotInnerW*share }

func (p *plot) atY(v float64) float64 { return plotTop + plotInnerH*(1-v/p.yMax) }

func (p *plot) text(x, y float64, anchor, text string) {
	fmt.Fprintf(&p.svg, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, x, y, anchor, template.HTMLEscapeString(text))
}

func (p *plot) legend(i int, name string) {
	x := float64(plotLeft + 90 + (i%4)*170)
	y := float64(14 + (i/4)*14)
	fmt.Fprintf(&p.svg, `<rect x="%.0f" y="%.0f" width="10" height="10" fill="%s"/>`, x, y-9, colour(i))
	p.text(x+14, y, "start", name)
}

func (p *plot) end() template.HTML {
	p.svg.WriteString(`</svg>`)
	return template.HTML(p.svg.String()) //nolint:gosec // every text in it went through HTMLEscapeString
}

// niceCeil is the least of 1, 2, 4, 5, 8, 10 times a power of ten that is not below v.
func niceCeil(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 4, 5, 8} {
		if v <= m*power {
			return m * power
		}
	}
	return 10 * power
}

// axis writes three digits and no zeros after the point.
func axis(v float64) string {
	if v >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64) // what was just written
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}
