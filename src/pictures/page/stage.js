// One view of a canvas: an element that is dragged, zoomed and clicked. What is drawn and what
// a click means is told to it. Knows nothing of lists, searches or files.

import { bareStrips, centreOn, fitBox, itemAt, panBy, seenBox, toCanvas, wholeShift, zoomAt } from './camera.js'
import { paintCanvas } from './paint.js'

/** A press that moves by less is a click. */
const CLICK_SLACK = 4
/** A second click within so many milliseconds opens. */
const DOUBLE_CLICK = 350

export class Stage {
  /** `element` holds a canvas; `host` answers `canvas()`, `look(stage)` and hears what happens. */
  constructor(element, host) {
    this.element = element
    this.surface = element.querySelector('canvas')
    this.context = this.surface.getContext('2d')
    this.host = host
    this.camera = { x: 0, y: 0, scale: 1 }
    this.view = 4
    this.painted = null
    this.pointers = new Map()
    this.lastClick = { time: 0, item: null }
    element.addEventListener('pointerdown', (event) => this.press(event))
    element.addEventListener('pointermove', (event) => this.drag(event))
    element.addEventListener('pointerup', (event) => this.release(event))
    element.addEventListener('pointercancel', (event) => this.pointers.delete(event.pointerId))
    element.addEventListener('wheel', (event) => this.wheel(event), { passive: false })
  }

  get size() {
    return [this.element.clientWidth, this.element.clientHeight]
  }

  /** Gives the surface as many pixels as the screen has for it. */
  resize() {
    const ratio = window.devicePixelRatio || 1
    const [width, height] = this.size
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)]
    if (this.surface.width !== w || this.surface.height !== h) {
      this.surface.width = w
      this.surface.height = h
    }
  }

  fit() {
    this.move(fitBox(this.host.canvas().bounds, ...this.size))
  }

  centre(box) {
    this.move(centreOn(this.camera, box, ...this.size))
  }

  zoom(factor, px = this.size[0] / 2, py = this.size[1] / 2) {
    this.move(zoomAt(this.camera, factor, px, py))
  }

  pan(dx, dy) {
    this.move(panBy(this.camera, dx, dy))
  }

  move(camera) {
    this.camera = camera
    this.host.moved(this)
  }

  seen() {
    return seenBox(this.camera, ...this.size)
  }

  /** Paints what is seen. What was seen before and only moved is not painted again. */
  paint() {
    this.resize()
    const ratio = window.devicePixelRatio || 1
    const [width, height] = [this.surface.width, this.surface.height]
    const parts = this.host.parts(this)
    const shift = parts.length === 1 ? this.shiftSincePaint(ratio) : null
    if (shift) {
      this.context.setTransform(1, 0, 0, 1, 0, 0)
      this.context.globalAlpha = 1
      this.context.drawImage(this.surface, ...shift)
      for (const strip of bareStrips(shift, width, height)) this.paintBox(strip, parts[0].view, ratio)
    } else {
      for (const { view, left, right } of parts) this.paintBox([left * ratio, 0, (right - left) * ratio, height], view, ratio)
    }
    if (parts.length > 1) this.paintSeam(parts[0].right, this.size[1], ratio)
    this.painted = { camera: this.camera, version: this.host.version, ratio, width, height }
  }

  /** By how many pixels the canvas moved since it was painted; nothing where that is not all. */
  shiftSincePaint(ratio) {
    const last = this.painted
    const [width, height] = [this.surface.width, this.surface.height]
    if (last?.version !== this.host.version || last.ratio !== ratio || last.width !== width || last.height !== height) return null
    const shift = wholeShift(last.camera, this.camera, ratio)
    return shift && Math.abs(shift[0]) < width && Math.abs(shift[1]) < height ? shift : null
  }

  /** Paints a box of the surface, given in its pixels. */
  paintBox([left, top, width, height], view, ratio) {
    const context = this.context
    const { x, y, scale } = this.camera
    const zoom = scale * ratio
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.save()
    context.beginPath()
    context.rect(left, top, width, height)
    context.clip()
    context.globalAlpha = 1
    context.fillStyle = this.host.ground()
    context.fillRect(left, top, width, height)
    context.setTransform(zoom, 0, 0, zoom, -x * zoom, -y * zoom)
    const seen = [x + left / zoom, y + top / zoom, width / zoom, height / zoom]
    paintCanvas(context, this.host.canvas(), scale, seen, this.host.look(view))
    context.restore()
  }

  /** The line between before and after. */
  paintSeam(x, height, ratio) {
    const context = this.context
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    context.globalAlpha = 1
    context.fillStyle = this.host.accent()
    context.fillRect(x - 1, 0, 2, height)
  }

  point(event) {
    const box = this.element.getBoundingClientRect()
    return [event.clientX - box.left, event.clientY - box.top]
  }

  press(event) {
    if (event.button > 1) return
    this.element.focus({ preventScroll: true })
    this.element.setPointerCapture(event.pointerId)
    const at = this.point(event)
    this.pointers.set(event.pointerId, { from: at, at })
  }

  drag(event) {
    const pointer = this.pointers.get(event.pointerId)
    if (!pointer) return
    const at = this.point(event)
    const others = [...this.pointers.values()].filter((other) => other !== pointer)
    if (others.length > 0) {
      const apart = (a, b) => Math.max(1, Math.hypot(a[0] - b[0], a[1] - b[1]))
      const still = others[0].at
      this.zoom(apart(at, still) / apart(pointer.at, still), (at[0] + still[0]) / 2, (at[1] + still[1]) / 2)
    } else {
      this.pan(at[0] - pointer.at[0], at[1] - pointer.at[1])
    }
    pointer.at = at
  }

  release(event) {
    const pointer = this.pointers.get(event.pointerId)
    this.pointers.delete(event.pointerId)
    if (!pointer) return
    const far = Math.hypot(pointer.at[0] - pointer.from[0], pointer.at[1] - pointer.from[1])
    if (far > CLICK_SLACK) return
    const [x, y] = toCanvas(this.camera, ...pointer.from)
    const part = this.host.parts(this).find(({ left, right }) => pointer.from[0] >= left && pointer.from[0] < right)
    const item = itemAt(this.host.canvas().items, x, y, part?.view ?? this.view)
    const again = item && item === this.lastClick.item && event.timeStamp - this.lastClick.time < DOUBLE_CLICK
    this.lastClick = { time: event.timeStamp, item }
    if (again) this.host.opened(item)
    else this.host.clicked(item)
  }

  wheel(event) {
    event.preventDefault()
    const steps = event.deltaMode === 1 ? event.deltaY * 16 : event.deltaY
    if (event.shiftKey) this.pan(-steps, 0)
    else this.zoom(Math.exp(-Math.max(-120, Math.min(120, steps)) * 0.0022), ...this.point(event))
  }
}
