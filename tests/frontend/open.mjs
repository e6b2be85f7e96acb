// The command line of the harness; README.md tells how to use it.
//
//   node open.mjs open    [options] FILE...     one JSON line per file
//   node open.mjs compare [options] A B [A B]   one JSON line per pair
//
// `-` instead of files reads them from standard input, one path per line.

import { writeSync } from 'node:fs'
import { parseArgs } from 'node:util'

import { alikeButIds, differences } from './compare.mjs'
import { OPTIONS, listed, start } from './options.mjs'

function emit(value) {
  writeSync(1, JSON.stringify(value) + '\n')
}

async function open(frontend, files, options) {
  for await (const result of frontend.openAll(files)) {
    if (options.brief) for (const key of ['prompt', 'embedded', 'saved', 'positions', 'inside']) delete result[key]
    emit(result)
  }
}

/** The second of two results as the first sees it. */
function verdict(a, b) {
  const difference = []
  if (a.opened !== b.opened) difference.push(`opened: ${a.opened} -> ${b.opened} ${b.failure ?? a.failure ?? ''}`)
  difference.push(...differences(a.prompt ?? null, b.prompt ?? null))
  const seen = ({ errors, dialogs, toasts, defects, worked }) => ({ errors, dialogs, toasts, defects, worked })
  const trouble = differences(seen(a), seen(b))
  const same = difference.length === 0
  const alike = same || Boolean(a.prompt && b.prompt && alikeButIds(a.prompt, b.prompt))
  return { opened: b.opened, same, alike, difference, trouble }
}

async function alone(frontend, file) {
  for await (const result of frontend.openAll([file])) return result
}

/** Pairs that differ are opened once more, each in a page of its own, before it is said. */
async function compare(frontend, files, options) {
  const waiting = []
  for (let at = 0; at + 1 < files.length; at += 2) waiting.push([files[at], files[at + 1]])
  const saves = (a, b) => (options.saves ? { saved: [a.saved, b.saved] } : {})
  const results = new Map()
  const doubtful = []
  for await (const result of frontend.openAll([...new Set(files)])) {
    results.set(result.file, result)
    while (waiting.length && waiting[0].every((file) => results.has(file))) {
      const [a, b] = waiting.shift()
      const found = verdict(results.get(a), results.get(b))
      if (found.same && found.trouble.length === 0) emit({ a, b, ...found, ...saves(results.get(a), results.get(b)) })
      else doubtful.push([a, b])
    }
  }
  for (const [a, b] of doubtful) {
    const first = await alone(frontend, a)
    const second = await alone(frontend, b)
    emit({ a, b, ...verdict(first, second), ...saves(first, second) })
  }
}

const { values: options, positionals } = parseArgs({
  options: { ...OPTIONS, brief: { type: 'boolean', default: false }, saves: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const [command, ...named] = positionals
const files = listed(named)
const commands = { open, compare }
if (!(command in commands) || files.length === 0) {
  console.error('usage: node open.mjs open|compare [--home DIR] [--version V] [--catalog FILE]... [--brief] FILE...')
  process.exit(2)
}
const frontend = await start(options)
try {
  await commands[command](frontend, files, options)
  if (frontend.unknown.length) console.error(`not answered by the server: ${frontend.unknown.join(', ')}`)
} finally {
  await frontend.stop()
}
