import assert from 'node:assert/strict'
import { test } from 'node:test'

import { readDrawing } from '../../src/pictures/page/drawing.js'

test('items get the shapes and facts that they share', () => {
  const shapes = [['c', 0, 0, 4, 0, -1], ['l', 0, 0, 9, 9, 0]]
  const item = (list, facts) => ({ kind: 'node', id: '1', shapes: list, facts })
  const text = JSON.stringify({ shapes, facts: [['type', 'KSampler']], canvases: [{ items: [item([1, 0], [0]), item([0])] }] })
  const [first, second] = readDrawing(text).canvases[0].items
  assert.deepEqual(first.shapes, [shapes[1], shapes[0]])
  assert.deepEqual(first.facts, [['type', 'KSampler']])
  assert.deepEqual(second.shapes, [shapes[0]])
  assert.equal(second.facts, undefined)
})
