import assert from 'node:assert/strict'
import { test } from 'node:test'

import { search, searchIndex, step } from '../../src/pictures/page/search.js'

const node = (id, name, facts = [], more = {}) => ({ kind: 'node', id, name, facts, ...more })
const canvases = [
  { items: [{ kind: 'link', id: '9' }, node('3', 'KSampler', [['cfg', '7.5']]), node('6', 'Positive', [['text', 'a red FOX']])] },
  { items: [node('3', 'Upscale', [['model', 'x4.pth']]), { kind: 'note', id: '8', name: 'Read me', facts: [['text', 'ksampler is slow']] }] },
]

const ids = (query) => search(searchIndex(canvases), query).map(({ canvas, item }) => `${canvas}/${item.id}`)

test('nodes are found by title, id, value and text, in every graph', () => {
  assert.deepEqual(ids('fox'), ['0/6'])
  assert.deepEqual(ids('#3'), ['0/3', '1/3'])
  assert.deepEqual(ids('x4'), ['1/3'])
  assert.deepEqual(ids('red positive'), ['0/6'])
  assert.deepEqual(ids('nowhere'), [])
  assert.deepEqual(ids('  '), [])
})

test('a title counts more than a text', () => {
  assert.deepEqual(ids('ksampler'), ['0/3', '1/8'])
})

test('a node in several views is found once', () => {
  const twice = [{ items: [node('1', 'A', [], { views: 2 }), node('1', 'A', [], { views: 4 }), node('1', 'Gone', [], { views: 1 })] }]
  assert.equal(search(searchIndex(twice), 'a').length, 1)
  assert.equal(search(searchIndex(twice), 'gone').length, 1)
})

test('steps go round', () => {
  assert.equal(step(-1, 1, 3), 0)
  assert.equal(step(-1, -1, 3), 2)
  assert.equal(step(2, 1, 3), 0)
  assert.equal(step(0, -1, 3), 2)
  assert.equal(step(0, 1, 0), -1)
})
