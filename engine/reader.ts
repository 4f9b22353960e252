// Whoever reads along, such as `head`, may have seen enough: then a program ends without a word, for nobody wants the rest.

/** Ends this process when the reader of its output has gone, with the exit code so far. */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit();
    });
}
