// The files of a new project: a small pipeline that runs at once, needs only a shell and shows each part of a stage.

export interface StarterOptions {
  /** How the project's pipeline.yaml names the schema, for editors. */
  readonly schema: string;
  readonly shell: string;
  /** Folder of the example's files, new in the project. */
  readonly folder: string;
  /** Whether the project has parameters of its own already; then the example keeps its value in pipeline.yaml. */
  readonly hasParams: boolean;
}

/** pipeline.yaml with two stages. */
export const starterPipeline = ({
  schema,
  shell,
  folder,
  hasParams,
}: StarterOptions): string => `# yaml-language-server: $schema=${schema}
# The stages of this project. \`repro\` brings their outputs up to date: it runs a stage only if its command, code, parameters
# or dependencies have changed.

# Runs the commands, and stops them at the first error.
shell: ${shell}
${hasParams ? '\n# A value for several stages. Values that you change often belong in params.yaml.\nvars: { least: 10 }\n' : ''}
stages:
  # Keeps the numbers that are large enough.
  select:
    cmd: >-
      while read -r number; do
      if [ "$number" -ge ${hasParams ? `\${least}` : `\${select.least}`} ]; then echo "$number"; fi;
      done < \${deps.numbers} > \${outs.selected}
    deps: { numbers: ${folder}/numbers.txt } # what the command reads: \${deps.numbers}
${hasParams ? '' : '    params: [select.least] # what it takes from params.yaml\n'}    outs: { selected: ${folder}/selected.txt } # what it writes: \${outs.selected}

  # Counts and adds them up. Its dependency is an output of \`select\`, so it runs after that.
  summary:
    cmd: >-
      count=0; sum=0;
      while read -r number; do count=$((count + 1)); sum=$((sum + number)); done < \${deps.selected};
      echo "{ \\"count\\": $count, \\"sum\\": $sum }" > \${outs.summary}
    deps: { selected: ${folder}/selected.txt }
    metrics: { summary: ${folder}/summary.json } # an output with numbers, for \`compare\` and \`check\`
`;

export const starterParams = `# The parameters of this project. If you change one, the stages that name it run again.
select:
  least: 10 # keep numbers from this one up
`;

export const starterNumbers = '3\n14\n15\n9\n26\n5\n35\n';

/** What git must not keep, and why; each is added to .gitignore if it is missing there. */
export const ignored = (hasPackages: boolean): readonly string[] => [
  ...(hasPackages ? ['node_modules/'] : []),
  '/cache/',
];
