// The page of one drawing or of several: joins the canvas with the lists beside it, the tool
// bar and the keys. Everything that comes out of a workflow is set as text, never as markup.

import { isPickable, isSeen, pathTo } from './camera.js'
import { readDrawing } from './drawing.js'
import { paintMap, paintMapFrame } from './paint.js'
import { search, searchIndex, step } from './search.js'
import { Stage } from './stage.js'

const BOTH = 4
const BEFORE = 1
const AFTER = 2

const find = (selector) => document.querySelector(selector)
const all = (selector) => [...document.querySelectorAll(selector)]

class Page {
  constructor() {
    this.root = document.documentElement
    this.isDiff = this.root.dataset.page === 'diff'
    this.files = all('script.drawing').map((script) => ({ script, drawing: null, index: null }))
    this.file = 0
    this.at = 0
    this.arrangement = this.isDiff ? 'both' : 'single'
    this.locked = true
    this.greyed = false
    this.traces = true
    this.swipe = 0.5
    this.selected = null
    this.found = []
    this.foundAt = -1
    this.change = -1
    this.stages = all('.stage').map((element) => new Stage(element, this))
    this.dirty = false
    this.isOnPaper = false
    /** Counts what is painted otherwise than by moving it. */
    this.version = 0
    this.mapPicture = document.createElement('canvas')
    this.mapKey = ''
    this.colors = []
  }

  start() {
    const light = window.matchMedia?.('(prefers-color-scheme: light)').matches
    this.setTheme(this.root.dataset.theme || (light ? 'light' : 'dark'))
    this.listen()
    this.openFile(0)
    this.setArrangement(this.arrangement)
    this.root.dataset.ready = 'true'
  }

  // What is drawn

  drawing() {
    const file = this.files[this.file]
    file.drawing ??= readDrawing(file.script.textContent)
    return file.drawing
  }

  canvas() {
    return this.drawing().canvases[this.at]
  }

  ground() {
    if (this.isOnPaper) return '#ffffff'
    return this.theme === 'light' ? '#d9d9d9' : '#181818'
  }

  accent() {
    return this.theme === 'light' ? '#0b5cad' : '#ffffff'
  }

  /** Which view is seen in which part of a stage. */
  parts(stage) {
    const width = stage.size[0]
    if (this.arrangement !== 'swipe') return [{ view: stage.view, left: 0, right: width }]
    const seam = Math.round(width * this.swipe)
    return [
      { view: BEFORE, left: 0, right: seam },
      { view: AFTER, left: seam, right: width },
    ]
  }

  look(view) {
    const outlined = new Set()
    if (this.selected) outlined.add(this.selected.id)
    const hits = this.found.length > 0 ? new Set(this.found.filter((entry) => entry.canvas === this.at).map((entry) => entry.item.id)) : null
    const faint = (item) => {
      if (this.greyed && !item.mark) return true
      return Boolean(hits) && isPickable(item) && !hits.has(item.id)
    }
    return { colors: this.colors, strokes: this.drawing().strokes, view, faint, outlined, traces: this.traces && view === BOTH, accent: this.accent() }
  }

  /** Something looks otherwise now. */
  repaint() {
    this.version += 1
    this.paintSoon()
  }

  /** Paints once before the screen is shown next, however often it is asked for. */
  paintSoon() {
    if (this.dirty) return
    this.dirty = true
    requestAnimationFrame(() => {
      this.dirty = false
      for (const stage of this.shownStages()) stage.paint()
      this.paintMap()
    })
  }

  paintMap() {
    const surface = find('#map')
    if (surface.hidden) return
    const ratio = window.devicePixelRatio || 1
    const [width, height] = [surface.clientWidth, surface.clientHeight]
    const stage = this.stages[0]
    const look = { colors: this.colors, strokes: this.drawing().strokes, view: stage.view, accent: this.accent() }
    // While one moves, only the frame on it does.
    const key = `${this.version} ${width} ${height} ${ratio}`
    if (key !== this.mapKey) {
      for (const each of [surface, this.mapPicture]) [each.width, each.height] = [width * ratio, height * ratio]
      const picture = this.mapPicture.getContext('2d')
      picture.setTransform(ratio, 0, 0, ratio, 0, 0)
      picture.fillStyle = this.ground()
      picture.fillRect(0, 0, width, height)
      this.mapPlace = paintMap(picture, this.canvas(), width, height, look)
      this.mapKey = key
    }
    const context = surface.getContext('2d')
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.drawImage(this.mapPicture, 0, 0)
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    paintMapFrame(context, this.canvas(), this.mapPlace, stage.seen(), look)
  }

  // Where one looks

  shownStages() {
    return this.stages.filter((stage) => !stage.element.hidden)
  }

  moved(stage) {
    if (this.locked) for (const other of this.stages) other.camera = stage.camera
    this.paintSoon()
  }

  fit() {
    for (const stage of this.shownStages()) stage.fit()
  }

  setArrangement(name) {
    this.arrangement = name
    const [first, second] = this.stages
    const two = name === 'sides' || name === 'stacked'
    find('#stages').dataset.arrangement = name
    if (second) second.element.hidden = !two
    first.view = { both: BOTH, single: BOTH, before: BEFORE, after: AFTER, sides: BEFORE, stacked: BEFORE, swipe: BOTH }[name]
    if (second) second.view = AFTER
    for (const button of all('[data-arrangement]')) {
      if (button.tagName === 'BUTTON') button.setAttribute('aria-pressed', String(button.dataset.arrangement === name))
    }
    const slider = find('#swipe')
    if (slider) slider.hidden = name !== 'swipe'
    for (const [at, stage] of this.stages.entries()) {
      stage.element.dataset.label = two ? ['before', 'after'][at] : name === 'before' || name === 'after' ? name : ''
    }
    requestAnimationFrame(() => {
      this.fit()
      this.repaint()
    })
  }

  // Files and canvases

  openFile(at) {
    this.file = at
    this.change = -1
    for (const section of all('.file')) section.hidden = Number(section.dataset.file) !== at
    for (const button of all('[data-open-file]')) {
      if (Number(button.dataset.openFile) === at) button.setAttribute('aria-current', 'true')
      else button.removeAttribute('aria-current')
    }
    this.clearSearch()
    this.setTheme(this.theme)
    const changed = this.drawing().canvases.findIndex((canvas) => canvas.items.some((item) => item.mark && item.mark !== 'moved'))
    this.openCanvas(this.isDiff && changed > 0 ? changed : 0)
  }

  openCanvas(at) {
    if (!this.drawing().canvases[at]) return
    this.at = at
    this.select(null)
    this.showPath()
    this.fit()
    this.repaint()
  }

  showPath() {
    const list = find('#path')
    list.replaceChildren()
    const { canvases } = this.drawing()
    for (const at of pathTo(canvases, this.at)) {
      const entry = document.createElement('li')
      const button = document.createElement('button')
      button.type = 'button'
      button.textContent = at === 0 ? 'Workflow' : canvases[at].title || 'Subgraph'
      button.dir = 'auto'
      if (at === this.at) button.setAttribute('aria-current', 'page')
      button.addEventListener('click', () => this.openCanvas(at))
      entry.append(button)
      list.append(entry)
    }
  }

  up() {
    const path = pathTo(this.drawing().canvases, this.at)
    if (path.length > 1) this.openCanvas(path[path.length - 2])
  }

  // Nodes

  clicked(item) {
    this.select(item)
    this.repaint()
  }

  opened(item) {
    if (item?.opens !== undefined) this.openCanvas(item.opens)
  }

  /** Shows a node in the middle and tells what is known of it. */
  goTo(canvasAt, item) {
    if (canvasAt !== this.at) this.openCanvas(canvasAt)
    this.select(item)
    for (const stage of this.shownStages()) stage.centre(item.box)
    this.repaint()
  }

  /** The node a line of the list speaks of. */
  target({ scope, node, group, side }) {
    const { canvases } = this.drawing()
    const at = canvases.findIndex((canvas) => canvas.scope === scope)
    if (at < 0) return null
    if (node === undefined && group === undefined) return { at, item: null }
    const fits = (item) => (node !== undefined ? isPickable(item) && item.id === node : item.kind === 'group' && item.id === group)
    const items = canvases[at].items.filter(fits)
    const wanted = side === 'before' ? BEFORE : AFTER
    const gone = (item) => item.mark === 'removed'
    const item =
      items.find((item) => gone(item) === (side === 'before') && isSeen(item, wanted)) ?? items.find((item) => isSeen(item, wanted)) ?? items[0]
    return item ? { at, item } : null
  }

  follow(button) {
    const target = this.target(button.dataset)
    for (const other of all('.go[aria-current]')) other.removeAttribute('aria-current')
    button.setAttribute('aria-current', 'true')
    if (!target) return
    if (target.item) this.goTo(target.at, target.item)
    else this.openCanvas(target.at)
  }

  select(item) {
    this.selected = item
    const details = find('#details')
    details.replaceChildren()
    details.hidden = !item
    if (!item) return
    const heading = document.createElement('h3')
    const name = document.createElement('bdi')
    name.textContent = item.name || item.id
    heading.append(name, ` #${item.id}`)
    details.append(heading)
    if (item.mark) {
      const mark = document.createElement('p')
      mark.className = `mark ${item.mark}`
      mark.textContent = item.mark
      details.append(mark)
    }
    if (item.opens !== undefined) {
      const open = document.createElement('button')
      open.type = 'button'
      open.textContent = 'Open subgraph'
      open.addEventListener('click', () => this.openCanvas(item.opens))
      details.append(open)
    }
    const list = document.createElement('dl')
    for (const [term, value] of item.facts ?? []) {
      const [dt, dd] = [document.createElement('dt'), document.createElement('dd')]
      dt.textContent = term
      dd.textContent = value
      dt.dir = dd.dir = 'auto'
      list.append(dt, dd)
    }
    details.append(list)
  }

  // Search

  runSearch(query) {
    const file = this.files[this.file]
    file.index ??= searchIndex(this.drawing().canvases)
    this.found = search(file.index, query)
    this.foundAt = -1
    this.tellFound(query)
    this.repaint()
  }

  tellFound(query) {
    const { length } = this.found
    const told = !query.trim() ? '' : length === 0 ? 'nothing found' : this.foundAt < 0 ? `${length} found` : `${this.foundAt + 1} of ${length}`
    find('#found').textContent = told
  }

  stepFound(by) {
    this.foundAt = step(this.foundAt, by, this.found.length)
    if (this.foundAt < 0) return
    const { canvas, item } = this.found[this.foundAt]
    this.goTo(canvas, item)
    this.tellFound(find('#search').value)
  }

  clearSearch() {
    find('#search').value = ''
    find('#found').textContent = ''
    this.found = []
    this.foundAt = -1
  }

  // Changes

  stepChange(by) {
    const buttons = all('.file:not([hidden]) .go')
    this.change = step(this.change, by, buttons.length)
    if (this.change < 0) return
    this.follow(buttons[this.change])
    buttons[this.change].scrollIntoView({ block: 'nearest' })
  }

  // Looks

  setTheme(theme) {
    this.theme = theme
    this.root.dataset.theme = theme
    if (this.files.length > 0) this.colors = this.drawing().colors.map((pair) => pair[theme === 'light' ? 1 : 0])
    this.repaint()
  }

  /** Paper is white, and nothing is painted anew once the page is on it. */
  paintForPaper() {
    this.themeOnScreen = this.theme
    this.isOnPaper = true
    this.setTheme('light')
    for (const stage of this.shownStages()) stage.paint()
  }

  paintForScreen() {
    this.isOnPaper = false
    this.setTheme(this.themeOnScreen)
  }

  toggle(name) {
    this[name] = !this[name]
    find(`[data-toggle=${name}]`)?.setAttribute('aria-pressed', String(this[name]))
    this.repaint()
  }

  toggleMap() {
    const map = find('#map')
    map.hidden = !map.hidden
    find('[data-do=map]').setAttribute('aria-pressed', String(!map.hidden))
    this.repaint()
  }

  do(name) {
    const stage = this.shownStages()[0]
    const actions = {
      fit: () => this.fit(),
      actual: () => stage.zoom(1 / stage.camera.scale),
      closer: () => stage.zoom(1.25),
      further: () => stage.zoom(0.8),
      theme: () => this.setTheme(this.theme === 'light' ? 'dark' : 'light'),
      map: () => this.toggleMap(),
      next: () => this.stepChange(1),
      previous: () => this.stepChange(-1),
      up: () => this.up(),
      help: () => find('#help').showModal(),
      search: () => find('#search').focus(),
      flip: () => this.setArrangement(this.arrangement === 'before' ? 'after' : 'before'),
      open: () => this.selected && this.opened(this.selected),
      none: () => this.none(),
    }
    actions[name]?.()
  }

  none() {
    this.clearSearch()
    this.select(null)
    this.repaint()
  }

  // Events

  listen() {
    document.addEventListener('click', (event) => this.click(event))
    document.addEventListener('keydown', (event) => this.key(event))
    new ResizeObserver(() => this.repaint()).observe(find('#stages'))
    const field = find('#search')
    field.addEventListener('input', () => this.runSearch(field.value))
    field.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') this.stepFound(event.shiftKey ? -1 : 1)
      else if (event.key === 'Escape') {
        this.none()
        this.shownStages()[0].element.focus()
      } else return
      event.preventDefault()
      event.stopPropagation()
    })
    find('#swipe')?.addEventListener('input', (event) => {
      this.swipe = Number(event.target.value) / 100
      this.repaint()
    })
    find('#map').addEventListener('pointerdown', (event) => this.jump(event))
    find('#map').addEventListener('pointermove', (event) => event.buttons && this.jump(event))
    window.addEventListener('beforeprint', () => this.paintForPaper())
    window.addEventListener('afterprint', () => this.paintForScreen())
  }

  /** Looks at the point of the canvas that was clicked on the map. */
  jump(event) {
    if (!this.mapPlace) return
    const box = event.target.getBoundingClientRect()
    const [x, y] = this.canvas().bounds
    const { scale, dx, dy } = this.mapPlace
    const stage = this.stages[0]
    const [width, height] = stage.seen().slice(2)
    const at = [x + (event.clientX - box.left - dx) / scale, y + (event.clientY - box.top - dy) / scale]
    stage.move({ scale: stage.camera.scale, x: at[0] - width / 2, y: at[1] - height / 2 })
  }

  click(event) {
    const button = event.target.closest('button')
    if (!button) return
    const { arrangement, openFile } = button.dataset
    if (button.classList.contains('go')) {
      this.change = all('.file:not([hidden]) .go').indexOf(button)
      this.follow(button)
    } else if (arrangement) this.setArrangement(arrangement)
    else if (button.dataset.toggle) this.toggle(button.dataset.toggle)
    else if (openFile !== undefined) this.openFile(Number(openFile))
    else if (button.dataset.do) this.do(button.dataset.do)
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || find('#help').open) return
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return
    const onStage = event.target.classList?.contains('stage')
    const arrows = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }
    if (onStage && arrows[event.key]) {
      this.shownStages()[0].pan(...arrows[event.key])
      event.preventDefault()
      return
    }
    const onButton = event.target.tagName === 'BUTTON'
    const name = KEYS[event.key]
    if (!name || (onButton && (event.key === 'Enter' || event.key === ' '))) return
    const [action, argument] = name
    if (argument && action === 'arrange') {
      if (!this.isDiff) return
      this.setArrangement(argument)
    } else if (action === 'toggle') {
      if (!this.isDiff) return
      this.toggle(argument)
    } else this.do(action)
    event.preventDefault()
  }
}

const KEYS = {
  f: ['fit'],
  0: ['actual'],
  '+': ['closer'],
  '=': ['closer'],
  '-': ['further'],
  '/': ['search'],
  t: ['theme'],
  m: ['map'],
  '?': ['help'],
  n: ['next'],
  p: ['previous'],
  b: ['flip'],
  c: ['toggle', 'greyed'],
  v: ['toggle', 'traces'],
  l: ['toggle', 'locked'],
  1: ['arrange', 'both'],
  2: ['arrange', 'before'],
  3: ['arrange', 'after'],
  4: ['arrange', 'sides'],
  5: ['arrange', 'stacked'],
  6: ['arrange', 'swipe'],
  Enter: ['open'],
  Backspace: ['up'],
  Escape: ['none'],
}

new Page().start()
