# bash completion for rescue-agent, rescue-sweeper and rescuectl. The words come from each program's own --help.
_rescue() {
	local program=$1 word=$2 before=$3 command="" words i
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--json) ;;
		-*) ((i++)) ;; # what precedes a command takes a value
		*)
			command=${COMP_WORDS[i]}
			break
			;;
		esac
	done
	if [[ $before == --@(config|cert|key|ca|output|out) ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	elif [[ $word == -* ]]; then
		# Only rescuectl explains its subcommands one by one.
		[[ ${program##*/} == rescuectl ]] || command=""
		words=$("$program" ${command:+"$command"} --help 2>/dev/null | grep -o -- '--[a-z][a-z-]*')
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
	elif [[ -z $command ]]; then
		words=$("$program" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p')
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi
} && complete -o filenames -F _rescue rescue-agent rescue-sweeper rescuectl
