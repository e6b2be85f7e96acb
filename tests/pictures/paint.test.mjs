import assert from 'node:assert/strict'
import { test } from 'node:test'

import { seenBox } from '../../src/pictures/page/camera.js'
import { paintCanvas, paintMap, paintMapFrame } from '../../src/pictures/page/paint.js'

/** A context that writes down what is done with it. */
function recorder() {
  const calls = []
  return new Proxy({ calls }, {
    get: (target, name) => (name in target ? target[name] : (...args) => calls.push([name, ...args])),
    set: (target, name, value) => ((target[name] = value), true),
  })
}

const box = (id, x, more = {}) => ({
  kind: 'node',
  id,
  box: [x, 0, 100, 50],
  shapes: [['r', 0, 0, 100, 50, 8, 8, 0, 0], ['t', 10, 20, `node ${id}`, 14, 1, 80], ['c', 0, 20, 4, 1, -1]],
  ...more,
})
const look = { colors: ['#111111', '#eeeeee'], strokes: [[1, 1, 0], [0, 1, 2], [1, 3, 0]], view: 4, accent: '#ffffff', traces: true }
const paint = (items, camera, more = {}) => {
  const context = recorder()
  const seen = seenBox(camera, 800, 600)
  paintCanvas(context, { items, bounds: [0, 0, 1, 1] }, camera.scale, seen, { ...look, ...more })
  return context.calls
}
const texts = (calls) => calls.filter(([name]) => name === 'fillText').map(([, text]) => text)

test('only what is seen is painted', () => {
  const calls = paint([box('1', 0), box('2', 5000)], { x: 0, y: 0, scale: 1 })
  assert.deepEqual(texts(calls), ['node 1'])
})

test('a view leaves out what belongs to the other', () => {
  const items = [box('1', 0, { views: 1 }), box('2', 200, { views: 6 })]
  assert.deepEqual(texts(paint(items, { x: 0, y: 0, scale: 1 })), ['node 2'])
  assert.deepEqual(texts(paint(items, { x: 0, y: 0, scale: 1 }, { view: 1 })), ['node 1'])
})

test('letters and dots that nobody could see are left out', () => {
  const calls = paint([box('1', 0)], { x: 0, y: 0, scale: 0.12 })
  assert.deepEqual(texts(calls), [])
  assert.ok(!calls.some(([name]) => name === 'arc'))
  assert.ok(calls.some(([name]) => name === 'roundRect'))
})

test('what is painted returns to where it began', () => {
  const moves = paint([box('1', 30), box('2', 200)], { x: 0, y: 0, scale: 1 }).filter(([name]) => name === 'translate')
  const sum = moves.reduce(([x, y], [, dx, dy]) => [x + dx, y + dy], [0, 0])
  assert.deepEqual(sum, [0, 0])
})

test('traces can be switched off', () => {
  const trace = { kind: 'trace', id: '1', box: [0, 0, 10, 10], shapes: [['l', 0, 0, 9, 9, 1]] }
  assert.ok(paint([trace], { x: 0, y: 0, scale: 1 }).some(([name]) => name === 'lineTo'))
  assert.ok(!paint([trace], { x: 0, y: 0, scale: 1 }, { traces: false }).some(([name]) => name === 'lineTo'))
})

test('far away wires of one color are one path', () => {
  const link = (id) => ({ kind: 'link', id, box: [0, 0, 100, 50], shapes: [['b', 0, 0, 10, 0, 90, 50, 100, 50, 2]] })
  const calls = paint([link('1'), link('2')], { x: 0, y: 0, scale: 0.05 })
  assert.equal(calls.filter(([name]) => name === 'stroke').length, 1)
  assert.equal(calls.filter(([name]) => name === 'lineTo').length, 2)
})

test('the map shows every node and the frame', () => {
  const context = recorder()
  const canvas = { items: [box('1', 0), box('2', 900)], bounds: [0, 0, 1000, 50] }
  const place = paintMap(context, canvas, 200, 140, look)
  paintMapFrame(context, canvas, place, [0, 0, 500, 300], look)
  assert.equal(context.calls.filter(([name]) => name === 'fillRect').length, 2)
  assert.equal(context.calls.filter(([name]) => name === 'strokeRect').length, 1)
})
