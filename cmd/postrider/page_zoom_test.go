package main

import "testing"

// outOfReach are what a view shows and nobody can see: it begins or ends beside
// the screen, or is cut off, where nothing scrolls to it. A text that is
// shortened says the whole in its title, or where it leads to.
const outOfReach = `(() => {
	const found = [];
	const scrolls = (e, side) => { for (; e && e !== document.documentElement; e = e.parentElement) { const o = getComputedStyle(e)[side]; if (o === 'auto' || o === 'scroll') return true; } return false; };
	const unseen = (e) => !e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || e.closest('.unseen, .skip, svg, option');
	for (const e of document.body.querySelectorAll('*')) {
		const own = [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim()) || e.matches('button, a, input, select, textarea, summary');
		if (!own || unseen(e)) continue;
		const box = e.getBoundingClientRect();
		const name = e.outerHTML.slice(0, 120);
		if (box.width === 0) continue;
		if ((box.left < -1 || box.right > innerWidth + 1) && !scrolls(e.parentElement, 'overflowX')) found.push('beside the screen: ' + name);
		const style = getComputedStyle(e);
		if (style.overflowX === 'hidden' && e.scrollWidth > e.clientWidth + 1 && !e.title && !e.closest('[title], a, tr.opens')) found.push('cut off: ' + name);
		if (style.overflowY === 'hidden' && e.scrollHeight > e.clientHeight + 4) found.push('cut off below: ' + name);
	}
	return found.join('\n');
})()`

// Every view at 200 % on an ordinary screen, and as 320 CSS pixels (WCAG 2.2:
// 1.4.4, 1.4.10; 400 % on the same screen): the page has no horizontal scrolling
// of its own, and nothing that it shows is out of reach.
func TestPageReflowsWhenZoomed(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	w := newPageWorld(t)
	p := b.tab("http://" + w.http)
	p.signIn(w.token())
	js[bool](p, watched)
	for _, v := range w.views {
		p.size(1280, 900)
		p.show(v)
		for _, screen := range [][2]int64{{640, 450}, {320, 256}} {
			p.size(screen[0], screen[1])
			if over := js[float64](p, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
				t.Errorf("%s is %v pixels wider than %d", v.name, over, screen[0])
			}
			if found := js[string](p, outOfReach); found != "" {
				t.Errorf("%s at %d pixels:\n%s", v.name, screen[0], found)
			}
		}
	}
}
