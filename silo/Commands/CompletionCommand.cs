using System.CommandLine;

namespace OrleansKms.Silo.Commands;

/// <summary>
/// The command <c>completion</c>: prints a script by which a shell completes the program's commands and options. The script asks the
/// program itself at each press of the key (<c>[suggest]</c>), so that it never falls behind it.
/// </summary>
internal static class CompletionCommand
{
    // The words of the line are asked about under the program's own name, whatever path or link it was called by. Options are offered
    // only to who has begun one, and by their long names.
    private const string Bash = """
        # Completion of okms for bash: source <(okms completion bash)
        _okms() {
          local word="${COMP_WORDS[COMP_CWORD]}" line="okms${COMP_LINE#"${COMP_WORDS[0]}"}" point suggestion
          point=$((COMP_POINT - ${#COMP_WORDS[0]} + 4))
          COMPREPLY=()
          while IFS= read -r suggestion; do
            case "$suggestion" in
              --*) [[ $word == -* ]] && COMPREPLY+=("$suggestion") ;;
              [-/]*) ;;
              *) [[ $word != -* ]] && COMPREPLY+=("$suggestion") ;;
            esac
          done < <("${COMP_WORDS[0]}" "[suggest:$point]" "$line" 2>/dev/null)
        }
        complete -o default -F _okms okms

        """;

    private const string Zsh = """
        #compdef okms
        # Completion of okms for zsh: source <(okms completion zsh), or as a file _okms in a directory of $fpath
        _okms() {
          local line="okms ${(j: :)words[2,CURRENT]}" word="${words[CURRENT]}" suggestion
          local -a found
          for suggestion in "${(@f)$(${~words[1]} "[suggest:${#line}]" "$line" 2>/dev/null)}"; do
            case "$suggestion" in
              --*) [[ $word == -* ]] && found+=("$suggestion") ;;
              [-/]*|'') ;;
              *) [[ $word != -* ]] && found+=("$suggestion") ;;
            esac
          done
          if (( ${#found} )); then compadd -- "${found[@]}"; else _files; fi
        }
        if [[ $zsh_eval_context == *loadautofunc ]]; then _okms "$@"; else compdef _okms okms; fi

        """;

    /// <summary>The command.</summary>
    public static Command Command() => new("completion", "Prints the script by which your shell completes commands and options.")
    {
        Of("bash", Bash, "source <(okms completion bash)"),
        Of("zsh", Zsh, "source <(okms completion zsh)"),
    };

    private static Command Of(string shell, string script, string use)
    {
        var command = new Command(shell, $"For {shell}: {use}");
        command.SetAction(call => call.InvocationConfiguration.Output.Write(script));
        return command;
    }
}
