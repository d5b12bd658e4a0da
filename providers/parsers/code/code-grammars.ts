import type { Parser } from '@lezer/common';

/** Languages whose syntax is known. */
export const codeLanguages = ['javascript', 'typescript', 'tsx', 'python', 'java', 'cpp', 'rust', 'go', 'php'] as const;

export type CodeLanguage = (typeof codeLanguages)[number];

/** How to find what a language declares in the tree of its parser. */
export interface CodeGrammar {
  load(): Promise<Parser>;
  /** Nodes that declare something, and the nodes among their children that hold its name. */
  readonly declarations: Readonly<Record<string, readonly string[]>>;
  /** Nodes of `declarations` that count only if they hold one of these: a variable whose value is a function. */
  readonly only?: Readonly<Record<string, readonly string[]>>;
  /** Nodes that stand around a declaration and belong to it. */
  readonly wrappers?: readonly string[];
  /** Nodes on the way from a declaration to its name. */
  readonly heads?: readonly string[];
}

const functionValues = ['ArrowFunction', 'FunctionExpression', 'ClassExpression'];

const ecmaScript: Omit<CodeGrammar, 'load'> = {
  declarations: {
    FunctionDeclaration: ['VariableDefinition'],
    ClassDeclaration: ['VariableDefinition'],
    InterfaceDeclaration: ['TypeDefinition'],
    TypeAliasDeclaration: ['TypeDefinition'],
    EnumDeclaration: ['TypeDefinition'],
    NamespaceDeclaration: ['VariableDefinition'],
    MethodDeclaration: ['PropertyDefinition', 'PrivatePropertyDefinition', 'PropertyName', 'String'],
    PropertyDeclaration: ['PropertyDefinition', 'PrivatePropertyDefinition'],
    VariableDeclaration: ['VariableDefinition'],
    Property: ['PropertyDefinition', 'String'],
  },
  only: {
    VariableDeclaration: functionValues,
    PropertyDeclaration: functionValues,
    Property: [...functionValues, 'Block'],
  },
  wrappers: ['ExportDeclaration'],
};

/** The grammar of each language, from the Lezer project (MIT); each is loaded when its first file comes. */
export const codeGrammars: Readonly<Record<CodeLanguage, CodeGrammar>> = {
  javascript: {
    ...ecmaScript,
    load: async () => (await import('@lezer/javascript')).parser.configure({ dialect: 'jsx' }),
  },
  typescript: {
    ...ecmaScript,
    load: async () => (await import('@lezer/javascript')).parser.configure({ dialect: 'ts' }),
  },
  tsx: {
    ...ecmaScript,
    load: async () => (await import('@lezer/javascript')).parser.configure({ dialect: 'ts jsx' }),
  },
  python: {
    load: async () => (await import('@lezer/python')).parser,
    declarations: { FunctionDefinition: ['VariableName'], ClassDefinition: ['VariableName'] },
    wrappers: ['DecoratedStatement'],
  },
  java: {
    load: async () => (await import('@lezer/java')).parser,
    declarations: {
      ClassDeclaration: ['Definition'],
      InterfaceDeclaration: ['Definition'],
      EnumDeclaration: ['Definition'],
      RecordDeclaration: ['Definition'],
      AnnotationTypeDeclaration: ['Definition'],
      MethodDeclaration: ['Definition'],
      ConstructorDeclaration: ['Definition'],
    },
  },
  cpp: {
    load: async () => (await import('@lezer/cpp')).parser,
    declarations: {
      FunctionDefinition: [
        'Identifier', 'FieldIdentifier', 'ScopedIdentifier', 'DestructorName', 'OperatorName', 'TemplateFunction',
      ], // prettier-ignore
      ClassSpecifier: ['TypeIdentifier', 'ScopedTypeIdentifier', 'TemplateType'],
      StructSpecifier: ['TypeIdentifier', 'ScopedTypeIdentifier', 'TemplateType'],
      UnionSpecifier: ['TypeIdentifier'],
      EnumSpecifier: ['TypeIdentifier'],
      NamespaceDefinition: ['Identifier', 'NestedNamespaceSpecifier'],
    },
    only: {
      ClassSpecifier: ['FieldDeclarationList'],
      StructSpecifier: ['FieldDeclarationList'],
      UnionSpecifier: ['FieldDeclarationList'],
      EnumSpecifier: ['EnumeratorList'],
    },
    wrappers: ['TemplateDeclaration', 'TypeDefinition', 'LinkageSpecification'],
    heads: ['FunctionDeclarator', 'PointerDeclarator', 'ReferenceDeclarator', 'ParenthesizedDeclarator'],
  },
  rust: {
    load: async () => (await import('@lezer/rust')).parser,
    declarations: {
      FunctionItem: ['BoundIdentifier'],
      StructItem: ['TypeIdentifier'],
      EnumItem: ['TypeIdentifier'],
      UnionItem: ['TypeIdentifier'],
      TraitItem: ['TypeIdentifier'],
      ImplItem: ['TypeIdentifier', 'GenericType', 'ScopedTypeIdentifier'],
      ModItem: ['BoundIdentifier'],
      MacroDefinition: ['Identifier'],
    },
    wrappers: ['AttributeItem'],
  },
  go: {
    load: async () => (await import('@lezer/go')).parser,
    declarations: { FunctionDecl: ['DefName'], MethodDecl: ['FieldName'], TypeDecl: ['DefName'] },
    heads: ['TypeSpec', 'SpecList'],
  },
  php: {
    load: async () => (await import('@lezer/php')).parser,
    declarations: {
      FunctionDefinition: ['Name'],
      ClassDeclaration: ['Name'],
      InterfaceDeclaration: ['Name'],
      TraitDeclaration: ['Name'],
      EnumDeclaration: ['Name'],
      MethodDeclaration: ['Name'],
    },
  },
};
