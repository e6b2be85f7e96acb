// Reads the display list that stands in a page (crates/comfy-draw/src/json.rs). Pure.

/** A drawing whose items have their shapes and facts, which the text has once each. */
export function readDrawing(text) {
  const drawing = JSON.parse(text)
  for (const { items } of drawing.canvases) {
    for (const item of items) {
      item.shapes = item.shapes.map((at) => drawing.shapes[at])
      if (item.facts) item.facts = item.facts.map((at) => drawing.facts[at])
    }
  }
  return drawing
}
