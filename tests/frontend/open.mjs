// The command line of the harness; README.md tells how to use it.
//
//   node open.mjs open    [options] FILE...     one JSON line per file
//   node open.mjs compare [options] A B [A B]   one JSON line per pair
//
// `-` instead of files reads them from standard input, one path per line.

import { writeSync } from 'node:fs'
import { parseArgs } from 'node:util'

import { differences } from './compare.mjs'
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
  const seen = ({ errors, dialogs, toasts }) => ({ errors, dialogs, toasts })
  const trouble = differences(seen(a), seen(b))
  return { opened: b.opened, same: difference.length === 0, difference, trouble }
}

async function resultsOf(frontend, files) {
  const results = new Map()
  for await (const result of frontend.openAll([...new Set(files)])) results.set(result.file, result)
  return results
}

/** Pairs that differ are opened once more in a page of their own before it is said. */
async function compare(frontend, files) {
  const pairs = []
  for (let at = 0; at + 1 < files.length; at += 2) pairs.push([files[at], files[at + 1]])
  const results = await resultsOf(frontend, files)
  for (const [a, b] of pairs) {
    let found = verdict(results.get(a), results.get(b))
    if (!found.same) {
      const first = await resultsOf(frontend, [a])
      const second = await resultsOf(frontend, [b])
      found = verdict(first.get(a), second.get(b))
    }
    emit({ a, b, ...found })
  }
}

const { values: options, positionals } = parseArgs({
  options: { ...OPTIONS, brief: { type: 'boolean', default: false } },
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
