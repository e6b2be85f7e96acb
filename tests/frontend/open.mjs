// The command line of the harness; README.md tells how to use it.
//
//   node open.mjs open    [options] FILE...     one JSON line per file
//   node open.mjs compare [options] A B [A B]   one JSON line per pair
//
// `-` instead of files reads them from standard input, one path per line.

import { readFileSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { differences } from './compare.mjs'
import { Frontend } from './frontend.mjs'

const HERE = dirname(fileURLToPath(import.meta.url))

const OPTIONS = {
  home: { type: 'string', default: process.env.GIT_COMFY_FRONTEND },
  version: { type: 'string', default: '1.49.6' },
  catalog: { type: 'string', multiple: true },
  replacements: { type: 'string' },
  brief: { type: 'boolean', default: false },
}

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'))

function emit(value) {
  writeSync(1, JSON.stringify(value) + '\n')
}

function start(options) {
  if (!options.home) throw new Error('say where prepare.sh has been: --home DIR or GIT_COMFY_FRONTEND')
  const catalogs = options.catalog ?? [join(HERE, 'catalog.json')]
  return Frontend.start({
    home: options.home,
    version: options.version,
    catalog: Object.assign({}, ...catalogs.map(readJson)),
    replacements: options.replacements ? readJson(options.replacements) : {},
  })
}

async function open(frontend, files, options) {
  for await (const result of frontend.openAll(files)) {
    if (options.brief) for (const key of ['prompt', 'embedded', 'saved', 'positions']) delete result[key]
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

const { values: options, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true })
const [command, ...named] = positionals
const files = named.length === 1 && named[0] === '-' ? readFileSync(0, 'utf8').split('\n').filter(Boolean) : named
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
