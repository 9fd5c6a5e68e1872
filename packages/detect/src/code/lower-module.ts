import { isAst, nameOf, type Ast } from './ast.ts';
import type { Module } from './ir.ts';
import { addExport, bind, type Place } from './lowering.ts';

/** Imports and exports of a module. */
export function lowerModuleItem(node: Ast, place: Place): void {
  const { module } = place.fn;
  const source = isAst(node.source) ? nameOf(node.source) : undefined;
  switch (node.type) {
    case 'ImportDeclaration':
      if (source === undefined || node.importKind === 'type') {
        for (const item of node.specifiers ?? []) noteTypeImport(module, item, source ?? '');
        return;
      }
      for (const item of node.specifiers ?? []) {
        const name = item.type === 'ImportDefaultSpecifier' ? 'default' : item.type === 'ImportNamespaceSpecifier' ? '*' : (nameOf(item.imported) ?? '');
        bind(place.fn, nameOf(item.local) ?? '', { k: 'imp', source, name });
      }
      module.imports.set(source, source);
      return;
    case 'ExportNamedDeclaration':
      if (isAst(node.declaration)) {
        place.to.statement(node.declaration, place);
        for (const name of declaredNames(node.declaration)) addExport(module, name, { k: 'name', name, at: node.start });
      }
      for (const item of node.specifiers ?? []) {
        const local = nameOf(item.local) ?? '';
        addExport(module, nameOf(item.exported) ?? local, source === undefined ? { k: 'name', name: local, at: item.start } : { k: 'imp', source, name: local });
      }
      if (source !== undefined) module.imports.set(source, source);
      return;
    case 'ExportDefaultDeclaration':
      lowerDefault(node.declaration as Ast, place);
      return;
    case 'ExportAllDeclaration':
      if (source === undefined) return;
      module.imports.set(source, source);
      if (isAst(node.exported)) addExport(module, nameOf(node.exported) ?? '', { k: 'imp', source, name: '*' });
      else module.stars.push(source);
      return;
    case 'TSExportAssignment':
      addExport(module, '=', place.to.named(node.expression as Ast, undefined, place));
      return;
    case 'TSImportEqualsDeclaration': {
      const reference = (node as { readonly moduleReference?: Ast }).moduleReference;
      const from = isAst(reference) && isAst(reference.expression) ? nameOf(reference.expression) : undefined;
      if (from === undefined) return;
      bind(place.fn, nameOf(node.id) ?? '', { k: 'imp', source: from, name: '=' });
      module.imports.set(from, from);
      return;
    }
    default:
  }
}

function lowerDefault(node: Ast, place: Place): void {
  const { module } = place.fn;
  const name = nameOf(node.id);
  if ((node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') && name !== undefined) {
    place.to.statement(node, place);
    addExport(module, 'default', { k: 'name', name, at: node.start });
  } else if (node.type === 'ClassDeclaration') addExport(module, 'default', { k: 'cls', cls: place.to.cls(node, 'default', place) });
  else if (node.type === 'TSInterfaceDeclaration') place.to.statement(node, place);
  else addExport(module, 'default', place.to.named(node.type === 'FunctionDeclaration' ? { ...node, type: 'FunctionExpression' } : node, 'default', place));
}

/** A type-only import names a class all the same: what is injected is known by it. */
function noteTypeImport(module: Module, item: Ast, source: string): void {
  const name = item.type === 'ImportDefaultSpecifier' ? 'default' : item.type === 'ImportNamespaceSpecifier' ? '*' : (nameOf(item.imported) ?? '');
  const local = nameOf(item.local) ?? '';
  if (!module.top.locals.has(local)) bind(module.top, local, { k: 'imp', source, name });
}

function declaredNames(node: Ast): string[] {
  if (node.type === 'VariableDeclaration') return (node.declarations ?? []).flatMap((item) => patternNames(item.id as Ast));
  const name = nameOf(node.id);
  return name === undefined ? [] : [name];
}

function patternNames(node: Ast): string[] {
  if (node.type === 'Identifier') return [nameOf(node)!];
  if (node.type === 'ObjectPattern') return (node.properties ?? []).flatMap((prop) => patternNames((prop.type === 'RestElement' ? prop.argument : prop.value) as Ast));
  if (node.type === 'ArrayPattern') return (node.elements ?? []).flatMap((item) => (isAst(item) ? patternNames(item) : []));
  if (node.type === 'AssignmentPattern') return patternNames(node.left as Ast);
  return [];
}
