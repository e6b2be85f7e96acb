// Where on a canvas one looks: pure functions over { x, y, scale } (the point of the canvas in
// the upper left corner of the view, and how large it is seen). Knows no elements.

/** No closer and no further than this. */
export const MIN_SCALE = 0.005
export const MAX_SCALE = 4

export function clampScale(scale) {
  return Math.min(MAX_SCALE, Math.max(MIN_SCALE, scale))
}

/** All of a box `[x, y, width, height]`, in the middle of a view, never larger than `most`. */
export function fitBox(box, width, height, margin = 30, most = 1) {
  const [x, y, wide, high] = box
  const room = [Math.max(1, width - 2 * margin), Math.max(1, height - 2 * margin)]
  const scale = clampScale(Math.min(most, room[0] / Math.max(1, wide), room[1] / Math.max(1, high)))
  return { scale, x: x + wide / 2 - width / 2 / scale, y: y + high / 2 - height / 2 / scale }
}

/** Closer or further, so that the canvas stays put under one point of the view. */
export function zoomAt(camera, factor, px, py) {
  const scale = clampScale(camera.scale * factor)
  return { scale, x: camera.x + px / camera.scale - px / scale, y: camera.y + py / camera.scale - py / scale }
}

export function panBy(camera, dx, dy) {
  return { scale: camera.scale, x: camera.x - dx / camera.scale, y: camera.y - dy / camera.scale }
}

/** The same distance, with a box in the middle; closer where it would not be legible. */
export function centreOn(camera, box, width, height, least = 0.6) {
  const scale = clampScale(Math.max(camera.scale, Math.min(least, fitBox(box, width, height).scale)))
  return { scale, x: box[0] + box[2] / 2 - width / 2 / scale, y: box[1] + box[3] / 2 - height / 2 / scale }
}

export function toCanvas(camera, px, py) {
  return [camera.x + px / camera.scale, camera.y + py / camera.scale]
}

/** What of the canvas is seen, as a box. */
export function seenBox(camera, width, height) {
  return [camera.x, camera.y, width / camera.scale, height / camera.scale]
}

/**
 * By how many whole pixels of the screen what is seen moves from one camera to another; nothing
 * where it is not only moved, or not by whole ones.
 */
export function wholeShift(from, to, ratio) {
  if (from.scale !== to.scale) return null
  const zoom = to.scale * ratio
  const [dx, dy] = [(from.x - to.x) * zoom, (from.y - to.y) * zoom]
  const [x, y] = [Math.round(dx), Math.round(dy)]
  return Math.abs(dx - x) < 0.001 && Math.abs(dy - y) < 0.001 ? [x, y] : null
}

/** The boxes of a surface that have nothing on them yet when its content is moved. */
export function bareStrips([dx, dy], width, height) {
  const strips = []
  if (dx !== 0) strips.push([dx > 0 ? 0 : width + dx, 0, Math.abs(dx), height])
  if (dy !== 0) strips.push([0, dy > 0 ? 0 : height + dy, width, Math.abs(dy)])
  return strips
}

export function overlaps(a, b, margin = 0) {
  return (
    a[0] - margin < b[0] + b[2] &&
    b[0] < a[0] + a[2] + margin &&
    a[1] - margin < b[1] + b[3] &&
    b[1] < a[1] + a[3] + margin
  )
}

/** The uppermost node under a point of the canvas, among those seen in a view. */
export function itemAt(items, x, y, view) {
  for (let at = items.length - 1; at >= 0; at -= 1) {
    const item = items[at]
    if (!isPickable(item) || !isSeen(item, view)) continue
    const [left, top, width, height] = item.box
    if (x >= left && y >= top && x <= left + width && y <= top + height) return item
  }
  return null
}

/** What a click takes hold of. */
export function isPickable(item) {
  return item.kind === 'node' || item.kind === 'note'
}

/** Views are bits: 1 before, 2 after, 4 both in one. An item without them is in all. */
export function isSeen(item, view) {
  return item.views === undefined || (item.views & view) !== 0
}

/** From a canvas out to the root; what leads in a circle ends. */
export function pathTo(canvases, at) {
  const path = []
  let next = at
  while (next !== undefined && canvases[next] && !path.includes(next)) {
    path.unshift(next)
    next = canvases[next].parent
  }
  if (path[0] !== 0) path.unshift(0)
  return path
}
