// What the parameters must be together, though each is fine by itself: else a training would fail, after hours of download and others' work.
import type { z } from 'zod';
import type { BackboneParams } from './backbone.ts';
import type { FilterParams } from './filter.ts';
import type { ModelsParams } from './models.ts';
import type { ResizeParams } from './resize.ts';
import type { SourceParams } from './source.ts';
import type { SplitParams } from './split.ts';

/** The parameters that bear on each other. */
interface Together {
  readonly source: SourceParams;
  readonly filter: FilterParams;
  readonly resize: ResizeParams;
  readonly models: z.infer<typeof ModelsParams>;
  readonly backbone: BackboneParams;
  readonly split: SplitParams;
}

type Complain = (path: readonly (string | number)[], message: string) => void;

/** Reports everything that does not fit together. */
export function checkTogether(params: Together, context: z.core.$RefinementCtx): void {
  const complain: Complain = (path, message) =>
    context.addIssue({ code: 'custom', path: [...path], message });
  checkSource(params, complain);
  checkClasses(params, complain);
  checkSize(params, complain);
  const { models, backbone, split } = params;
  if (split.validation + split.test >= 1)
    complain(
      ['split', 'test'],
      'with split.validation it takes all images, and none would be left to train on',
    );
  if (models.vgg16.fineTune && backbone.block === 1)
    complain(
      ['models', 'vgg16', 'fineTune'],
      'with backbone.block 1 the last block is the first, and none would be left frozen',
    );
}

function checkSource({ source }: Together, complain: Complain): void {
  if (source.kind === 'folder' && source.folder.root === null)
    complain(
      ['source', 'folder', 'root'],
      'with source.kind folder it must be the path of your images, <root>/<class>/*',
    );
}

function checkClasses({ source, filter: { classes } }: Together, complain: Complain): void {
  const names = Object.keys(classes);
  if (names.length < 2)
    complain(
      ['filter', 'classes'],
      `a classifier tells classes apart, so it needs two or more, not ${names.length}`,
    );
  const owners = new Map<string, string>();
  const known = new Set([...Object.keys(source.icons.classes), ...Object.keys(source.icons.aside.classes)]);
  for (const [name, sources] of Object.entries(classes))
    for (const [i, each] of sources.entries()) {
      const owner = owners.get(each) ?? name;
      owners.set(each, owner);
      if (owner !== name)
        complain(['filter', 'classes', name, i], `it is a part of ${owner} too, and an image has one class`);
      if (source.kind === 'icons' && !known.has(each))
        complain(
          ['filter', 'classes', name, i],
          'neither source.icons.classes nor source.icons.aside.classes has it, so no icon would be found',
        );
    }
}

/** A backbone has all of VGG16's blocks, whichever of them the head sees. */
const backboneBlocks = 5;

function checkSize({ resize: { size }, models }: Together, complain: Complain): void {
  const blocks = {
    'models.cnn1.filters': models.cnn1.filters.length,
    'models.cnn2.filters': models.cnn2.filters.length,
    "vgg16's backbone": backboneBlocks,
  };
  for (const [what, count] of Object.entries(blocks))
    if (size < 2 ** count)
      complain(
        ['resize', 'size'],
        `${what} has ${count} blocks that halve the images, so it must be ${2 ** count} or more`,
      );
}
