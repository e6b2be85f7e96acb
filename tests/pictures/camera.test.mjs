import assert from 'node:assert/strict'
import { test } from 'node:test'

import { MAX_SCALE, MIN_SCALE, bareStrips, centreOn, fitBox, isSeen, itemAt, overlaps, panBy, pathTo, seenBox, toCanvas, wholeShift, zoomAt } from '../../src/pictures/page/camera.js'

const near = (a, b) => Math.abs(a - b) < 1e-6

test('a fitted box lies in the middle, whole, and no larger than life', () => {
  const camera = fitBox([100, 50, 2000, 500], 800, 600)
  const [x, y, width, height] = seenBox(camera, 800, 600)
  assert.ok(x <= 100 && y <= 50 && x + width >= 2100 && y + height >= 550)
  assert.ok(near(x + width / 2, 1100) && near(y + height / 2, 300))
  assert.equal(fitBox([0, 0, 10, 10], 800, 600).scale, 1)
})

test('zooming keeps the point under the pointer', () => {
  const camera = { x: 12, y: -7, scale: 0.4 }
  const before = toCanvas(camera, 300, 200)
  const after = toCanvas(zoomAt(camera, 1.7, 300, 200), 300, 200)
  assert.ok(near(before[0], after[0]) && near(before[1], after[1]))
})

test('zooming and fitting keep within their bounds', () => {
  assert.equal(zoomAt({ x: 0, y: 0, scale: 1 }, 1e9, 0, 0).scale, MAX_SCALE)
  assert.equal(zoomAt({ x: 0, y: 0, scale: 1 }, 0, 0, 0).scale, MIN_SCALE)
  assert.equal(fitBox([0, 0, 1e9, 1], 800, 600).scale, MIN_SCALE)
  assert.ok(Number.isFinite(fitBox([0, 0, 0, 0], 0, 0).x))
})

test('panning there and back changes nothing', () => {
  const camera = { x: 5, y: 6, scale: 0.5 }
  const back = panBy(panBy(camera, 30, -40), -30, 40)
  assert.ok(near(back.x, 5) && near(back.y, 6))
})

test('what is centred can be read', () => {
  const camera = centreOn({ x: 0, y: 0, scale: 0.05 }, [1000, 1000, 300, 200], 800, 600)
  assert.ok(camera.scale >= 0.6)
  const [x, y] = toCanvas(camera, 400, 300)
  assert.ok(near(x, 1150) && near(y, 1100))
})

test('a click takes the uppermost node of its view', () => {
  const node = (id, box, views) => ({ kind: 'node', id, box, views })
  const items = [node('1', [0, 0, 100, 100]), node('2', [50, 50, 100, 100]), node('3', [50, 50, 10, 10], 1), { kind: 'group', id: '0', box: [0, 0, 500, 500] }]
  assert.equal(itemAt(items, 55, 55, 4).id, '2')
  assert.equal(itemAt(items, 55, 55, 1).id, '3')
  assert.equal(itemAt(items, 10, 10, 4).id, '1')
  assert.equal(itemAt(items, 400, 400, 4), null)
  assert.equal(isSeen({ views: 6 }, 1), false)
})

test('boxes overlap with and without a margin', () => {
  assert.equal(overlaps([0, 0, 10, 10], [10, 0, 5, 5]), false)
  assert.equal(overlaps([0, 0, 10, 10], [10, 0, 5, 5], 1), true)
})

test('the way out of a subgraph ends, also where it leads in a circle', () => {
  assert.deepEqual(pathTo([{}, { parent: 0 }, { parent: 1 }], 2), [0, 1, 2])
  assert.deepEqual(pathTo([{}, { parent: 2 }, { parent: 1 }], 2), [0, 1, 2])
  assert.deepEqual(pathTo([{}, {}], 1), [0, 1])
})

test('what only moved by whole pixels is moved, and what comes into sight is told', () => {
  const camera = { x: 10, y: 20, scale: 0.5 }
  assert.deepEqual(wholeShift(camera, panBy(camera, 4, -3), 2), [8, -6])
  assert.equal(wholeShift(camera, panBy(camera, 0.3, 0), 1), null)
  assert.equal(wholeShift(camera, zoomAt(camera, 1.1, 0, 0), 1), null)
  assert.deepEqual(bareStrips([8, -6], 100, 50), [[0, 0, 8, 50], [0, 44, 100, 6]])
  assert.deepEqual(bareStrips([-8, 0], 100, 50), [[92, 0, 8, 50]])
  assert.deepEqual(bareStrips([0, 0], 100, 50), [])
})
