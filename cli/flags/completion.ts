/** `shedu completion` on the command line. */
import { Argument, type Command } from 'commander'

const HELP = `
Examples:
  $ source <(shedu completion bash)                                       # bash, in ~/.bashrc
  $ source <(shedu completion zsh)                                        # zsh, in ~/.zshrc behind compinit
  $ shedu completion fish > ~/.config/fish/completions/shedu.fish         # fish, once`

const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** Adds the command; `run` gets the shell. */
export function addCompletion(program: Command, run: (shell: Shell) => Promise<void>): void {
  program
    .command('completion')
    .summary('print a script that completes commands and flags in a shell')
    .description(
      'Prints a script that lets a shell complete commands, flags and files. The shell asks nobody while it completes: the script holds all it needs, so print it anew after an update.',
    )
    .addArgument(new Argument('<shell>', 'for which shell').choices(SHELLS))
    .addHelpText('after', HELP)
    .action(run)
}
