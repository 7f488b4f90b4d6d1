#!/bin/bash
# curl -N. With `loop`: opened again, with the last id.
last=()
watch() {
  local line event= id= data=
  while IFS= read -r line; do
    case $line in
      "event: "*) event=${line#event: } ;;
      "id: "*) id=${line#id: } ;;
      "data: "*) data=${line#data: } ;;
      "")
        [[ $event == comment ]] && echo "$((${EPOCHREALTIME/[.,]/} / 1000)) $data"
        [[ $id ]] && last=(-H "Last-Event-ID: $id")
        event= id= data=
        ;;
    esac
  done < <(curl -sSN "${last[@]}" "$url")
}
url=$1
watch
while [[ $2 == loop ]]; do
  sleep 1
  watch
done
