// The options that every command of the harness takes.

import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { Frontend } from './frontend.mjs'

const HERE = dirname(fileURLToPath(import.meta.url))

/** For `parseArgs` of node:util. */
export const OPTIONS = {
  home: { type: 'string', default: process.env.GIT_COMFY_FRONTEND },
  version: { type: 'string', default: '1.49.6' },
  catalog: { type: 'string', multiple: true },
  replacements: { type: 'string' },
}

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'))

/** The frontend the options ask for, started. */
export function start({ home, version, catalog, replacements }) {
  if (!home) throw new Error('say where prepare.sh has been: --home DIR or GIT_COMFY_FRONTEND')
  const catalogs = catalog ?? [join(HERE, 'catalog.json')]
  return Frontend.start({
    home,
    version,
    catalog: Object.assign({}, ...catalogs.map(readJson)),
    replacements: replacements ? readJson(replacements) : {},
  })
}

/** The files named on the command line; `-` reads them from standard input. */
export function listed(named) {
  if (named.length !== 1 || named[0] !== '-') return named
  return readFileSync(0, 'utf8').split('\n').filter(Boolean)
}
