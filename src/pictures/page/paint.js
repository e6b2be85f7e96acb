// Paints one canvas of the display list into a 2D context. Knows what shapes are
// (crates/comfy-draw/src/json.rs), not what they stand for, and no elements of the page.

import { isSeen, overlaps } from './camera.js'

const FONTS = ['', 'bold ', 'italic ', '']
const FAMILY = 'Inter, Arial, Helvetica, "Liberation Sans", "DejaVu Sans", sans-serif'
const MONO = 'Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace'
const DASHES = [[], [4, 2.5], [1, 2], [4.5, 2, 1, 2]]
const ANCHORS = ['left', 'center', 'right']

/** Badges and outlines stick out of an item by so much. */
const OUTSIDE = 40
/** Letters smaller than this on the screen are not drawn. */
const LEAST_LETTER = 3.5
/** Room around the small picture of the whole canvas. */
const MAP_EDGE = 6
/** Where nodes are as small as this they are plain boxes. */
const PLAIN_SCALE = 0.09

/**
 * Paints what lies in the box `seen`. `look`: `colors` of the theme, `view` (bits), `faint(item)` for what is
 * to stand back, `outlined` (ids of nodes), `traces` whether moves are shown, `accent`.
 */
export function paintCanvas(context, canvas, scale, seen, look) {
  const state = { font: '', plain: scale < PLAIN_SCALE, scale }
  const plainLinks = new Map()
  for (const item of canvas.items) {
    if (!isSeen(item, look.view) || (item.kind === 'trace' && !look.traces)) continue
    if (!overlaps(item.box, seen, OUTSIDE)) continue
    if (state.plain && item.kind === 'link' && !item.mark) {
      collectPlainLink(plainLinks, item, look)
      continue
    }
    if (plainLinks.size > 0 && item.kind !== 'link') strokePlainLinks(context, plainLinks, look, state)
    context.globalAlpha = look.faint?.(item) ? 0.15 : 1
    context.translate(item.box[0], item.box[1])
    paintItem(context, item, look, state)
    if (look.outlined?.has(item.id) && (item.kind === 'node' || item.kind === 'note')) outline(context, item, look, state)
    context.translate(-item.box[0], -item.box[1])
  }
  strokePlainLinks(context, plainLinks, look, state)
  context.globalAlpha = 1
}

function collectPlainLink(links, item, look) {
  const shape = item.shapes[0]
  const key = `${look.strokes[shape[9]][0]} ${look.faint?.(item) ? 1 : 0}`
  if (!links.has(key)) links.set(key, [])
  links.get(key).push([item.box[0] + shape[1], item.box[1] + shape[2], item.box[0] + shape[7], item.box[1] + shape[8]])
}

/** Far away a wire is a straight line, and all of one color are one path. */
function strokePlainLinks(context, links, look, state) {
  for (const [key, lines] of links) {
    const [color, faint] = key.split(' ').map(Number)
    context.globalAlpha = faint ? 0.15 : 1
    context.strokeStyle = look.colors[color]
    context.lineWidth = Math.max(3, 0.7 / state.scale)
    context.setLineDash([])
    context.beginPath()
    for (const [x0, y0, x1, y1] of lines) {
      context.moveTo(x0, y0)
      context.lineTo(x1, y1)
    }
    context.stroke()
  }
  links.clear()
}

function paintItem(context, item, look, state) {
  if (state.plain && item.kind !== 'link') {
    const first = item.shapes[0]
    if (first?.[0] === 'r') paintRect(context, first, look)
    if (item.mark) {
      const marked = item.shapes.find(isOutline)
      if (marked) paintRect(context, marked, look, Math.max(1, 2.5 / (state.scale * look.strokes[marked[8]][1])))
    }
    return
  }
  for (const shape of item.shapes) paintShape(context, shape, look, state)
}

/** The line around what changed: a box without inside. */
function isOutline(shape) {
  return shape[0] === 'r' && shape[7] === -1 && shape[8] >= 0
}

function paintShape(context, shape, look, state) {
  switch (shape[0]) {
    case 'r':
      paintRect(context, shape, look)
      break
    case 'c':
      if (shape[3] * state.scale < 0.7) return
      context.beginPath()
      context.arc(shape[1], shape[2], shape[3], 0, 2 * Math.PI)
      fillAndStroke(context, shape[4], shape[5], look)
      break
    case 't':
      paintText(context, shape, look, state)
      break
    case 'b':
      context.beginPath()
      context.moveTo(shape[1], shape[2])
      context.bezierCurveTo(shape[3], shape[4], shape[5], shape[6], shape[7], shape[8])
      fillAndStroke(context, -1, shape[9], look)
      break
    case 'p':
      context.beginPath()
      for (let at = 0; at < shape[1].length; at += 2) context.lineTo(shape[1][at], shape[1][at + 1])
      context.closePath()
      fillAndStroke(context, shape[2], shape[3], look)
      break
    case 'l':
      context.beginPath()
      context.moveTo(shape[1], shape[2])
      context.lineTo(shape[3], shape[4])
      fillAndStroke(context, -1, shape[5], look)
      break
  }
}

function paintRect(context, [, x, y, width, height, upper, lower, fill, stroke], look, thicker = 1) {
  context.beginPath()
  const most = Math.min(width, height) / 2
  if (upper || lower) {
    const [a, b] = [Math.min(upper, most), Math.min(lower, most)]
    context.roundRect(x, y, width, height, [a, a, b, b])
  } else {
    context.rect(x, y, width, height)
  }
  fillAndStroke(context, fill, stroke, look, thicker)
}

function fillAndStroke(context, fill, stroke, look, thicker = 1) {
  if (fill >= 0) {
    context.fillStyle = look.colors[fill]
    context.fill()
  }
  if (stroke >= 0) {
    const [color, thin, dash] = look.strokes[stroke]
    const width = thin * thicker
    context.strokeStyle = look.colors[color]
    context.lineWidth = width
    context.setLineDash(DASHES[dash].map((length) => length * width))
    context.stroke()
  }
}

function paintText(context, [, x, y, text, size, color, room, style = 0, anchor = 0], look, state) {
  if (size * state.scale < LEAST_LETTER) return
  const font = `${FONTS[style]}${size}px ${style === 3 ? MONO : FAMILY}`
  if (font !== state.font) {
    context.font = font
    state.font = font
  }
  context.textAlign = ANCHORS[anchor]
  context.fillStyle = look.colors[color]
  // Only what might be too wide is measured by the context.
  if (text.length * size * 0.45 < room) context.fillText(text, x, y)
  else context.fillText(text, x, y, room)
}

function outline(context, item, look, state) {
  context.beginPath()
  context.roundRect(-7, -7, item.box[2] + 14, item.box[3] + 14, 12)
  context.strokeStyle = look.accent
  context.lineWidth = Math.max(3, 2 / state.scale)
  context.setLineDash([])
  context.stroke()
}

/** The whole canvas small; gives how it lies there. */
export function paintMap(context, canvas, width, height, look) {
  const [x, y, wide, high] = canvas.bounds
  const scale = Math.min((width - 2 * MAP_EDGE) / Math.max(1, wide), (height - 2 * MAP_EDGE) / Math.max(1, high))
  const [dx, dy] = [(width - wide * scale) / 2, (height - high * scale) / 2]
  const place = (box) => [dx + (box[0] - x) * scale, dy + (box[1] - y) * scale, box[2] * scale, box[3] * scale]
  for (const item of canvas.items) {
    if (!isSeen(item, look.view) || item.kind === 'link' || item.kind === 'trace') continue
    const [left, top, w, h] = place(item.box)
    const first = item.shapes[0]
    const mark = item.mark && item.kind !== 'group' && item.shapes.find(isOutline)
    context.fillStyle = mark ? look.colors[look.strokes[mark[8]][0]] : look.colors[first?.[7] ?? 0] ?? look.accent
    context.fillRect(left, top, Math.max(1.5, w), Math.max(1.5, h))
  }
  return { scale, dx, dy }
}

/** The frame of what is seen, on the map. */
export function paintMapFrame(context, canvas, { scale, dx, dy }, seen, look) {
  const [x, y] = canvas.bounds
  context.strokeStyle = look.accent
  context.lineWidth = 1.5
  context.strokeRect(dx + (seen[0] - x) * scale, dy + (seen[1] - y) * scale, seen[2] * scale, seen[3] * scale)
}
