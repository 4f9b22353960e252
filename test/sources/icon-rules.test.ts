// Which names mean which class, which icons a limit keeps, and which icon sets are one family.

import { readFile } from 'node:fs/promises';
import type { IconifyInfo } from '@iconify/types';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { IconsParams } from '../../params/source.ts';
import { families } from '../../sources/icons/families.ts';
import { nameMatcher } from '../../sources/icons/name-rules.ts';
import { limitEachClass, type SelectedIcon } from '../../sources/icons/select.ts';
import { projectRoot } from '../support/run-stage.ts';

const params = IconsParams.parse(parse(await readFile(`${projectRoot}/params.yaml`, 'utf8')).source.icons);
const match = nameMatcher(params);

test.each([
  ['car', 'car'],
  ['directions-car-outline-rounded', 'car'],
  ['oncoming-automobile', 'car'],
  ['school-bus', 'bus'],
  ['trolleybus', 'bus'],
  ['motor-scooter', 'motorcycle'],
  ['articulated-lorry', 'truck'],
  ['pickup-truck', 'truck'],
])('by the words of params.yaml, %s is a %s', (name, expected) => {
  expect(match(name)).toEqual({ kind: 'study', class: expected });
});

test.each([
  ['car-wash', 'excluded'],
  ['cable-car', 'excluded'],
  ['car-seat', 'excluded'],
  ['bus-stop', 'excluded'],
  ['hand-truck', 'excluded'],
  ['kick-scooter', 'excluded'],
  ['police-car-light', 'excluded'],
  ['business', 'none'],
  ['cart', 'none'],
  ['handcart', 'none'],
  ['scar', 'none'],
  ['truck-clock', 'ambiguous'],
  ['truck-pickup-car', 'ambiguous'],
  ['star-wars', 'none'],
])('%s is no picture of a class: %s', (name, kind) => {
  expect(match(name).kind).toBe(kind);
});

test('a name of a class set aside holds only its word, numbers and words of style', () => {
  expect(match('star-outline-rounded')).toEqual({ kind: 'aside', class: 'star' });
  expect(match('airplane-24-filled')).toEqual({ kind: 'aside', class: 'airplane' });
  expect(match('heart-star').kind).toBe('ambiguous');
});

test('no class set aside shares a word with a class of the study', () => {
  const study = new Set(Object.values(params.classes).flat());
  expect(
    Object.values(params.aside.classes)
      .flat()
      .filter((word) => study.has(word)),
  ).toEqual([]);
});

function icon(set: string, name: string, svg = ''): SelectedIcon {
  return { set, name, class: 'star', svg };
}

test('a limit takes of each set in turn, and the same icons in any order of reading', () => {
  const icons = [
    ...Array.from({ length: 20 }, (_, i) => icon('large', `star-${i}`)),
    icon('small', 'star'),
    icon('medium', 'star'),
    icon('medium', 'star-fill'),
  ];
  const taken = limitEachClass(icons, 6);
  const bySet = (set: string) => taken.filter((entry) => entry.set === set).length;
  expect([bySet('small'), bySet('medium'), bySet('large')]).toEqual([1, 2, 3]);
  expect(limitEachClass(icons.toReversed(), 6)).toEqual(taken);
  expect(limitEachClass(icons, 3)).toEqual(taken.slice(0, 3));
});

function info(author: string, url: string): IconifyInfo {
  return { name: '', author: { name: author, url }, license: { title: '' } };
}

const sets = new Map([
  ['bi', info('The Bootstrap Authors', 'https://github.com/twbs/icons')],
  ['fa', info('Dave Gandy', 'https://github.com/FortAwesome/Font-Awesome/tree/fa-4')],
  ['fa-solid', info('Dave Gandy', 'https://github.com/FortAwesome/Font-Awesome')],
  ['famicons', info('Family', 'https://github.com/familyjs/famicons')],
  ['fluent', info('Microsoft Corporation', 'https://github.com/microsoft/fluentui-system-icons')],
  ['fluent-emoji', info('Microsoft Corporation', 'https://github.com/microsoft/fluentui-emoji')],
  ['ic', info('Material Design Authors', 'https://github.com/material-icons/material-icons')],
  ['ion', info('Ben Sperry', 'https://github.com/ionic-team/ionicons')],
  ['material-symbols', info('Google', 'https://github.com/google/material-design-icons')],
  ['mdi', info('Pictogrammers', 'https://github.com/Templarian/MaterialDesign')],
  ['mdi-light', info('Pictogrammers', 'https://github.com/Templarian/MaterialDesignLight')],
  ['nimbus', info('Linkedstore S.A.', 'https://github.com/cyberalien/nimbus-icons')],
  ['ri', info('Remix Design', 'https://github.com/cyberalien/RemixIcon')],
]);

test('known families share a group: versions, twins, forks, and the relatives of params.yaml', () => {
  const path = (x: number) => `<path d="M${x} 3.25c1.1 0 2 .9 2 2v13.5a2 2 0 0 1-2 2h-2.75"/>`;
  const icons = [
    icon('ion', 'a', path(1) + path(2)),
    icon('famicons', 'a', path(1)),
    icon('famicons', 'b', path(2)),
    icon('bi', 'a', path(1)), // one shape alone may be chance
    ...['bi', 'ri', 'nimbus'].flatMap((set) => [icon(set, 'x', '<path d="M0 0h8v8z"/>')]),
  ];
  const family = families(sets, icons, params.families);
  expect(Object.fromEntries(family)).toEqual({
    bi: 'bi',
    fa: 'fa',
    'fa-solid': 'fa',
    famicons: 'famicons',
    fluent: 'fluent',
    'fluent-emoji': 'fluent',
    ic: 'ic',
    ion: 'famicons',
    'material-symbols': 'ic',
    mdi: 'ic',
    'mdi-light': 'ic',
    nimbus: 'nimbus',
    ri: 'ri',
  });
});
