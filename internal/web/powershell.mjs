// Says where the PowerShell programs named as arguments do not follow the language's grammar; ends with 1 if one does not.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Language, Parser } from 'web-tree-sitter'

await Parser.init()
const parser = new Parser()
parser.setLanguage(await Language.load(createRequire(import.meta.url).resolve('tree-sitter-powershell/tree-sitter-powershell.wasm')))

function* faults(node) {
  if (node.isError || node.isMissing) yield node
  for (const child of node.children) yield* faults(child)
}

for (const file of process.argv.slice(2)) {
  for (const { startPosition: at, text } of faults(parser.parse(readFileSync(file, 'utf8')).rootNode)) {
    console.log(`${file}:${at.row + 1}:${at.column + 1}: ${JSON.stringify(text.slice(0, 60))} does not belong here`)
    process.exitCode = 1
  }
}
