{{/*
Whom the pods of a role may call, where networkPolicy.egress.enabled says that there is a limit:
names, one another, and what `egress.rules` has for them. Ports are numbers, since not every network
plugin finds the named ports of those who are called. (dict "root" "role")
*/}}
{{- define "lc.egress" -}}
{{- $root := .root -}}
{{- $role := .role -}}
{{- $egress := $root.Values.networkPolicy.egress -}}
{{- $roles := splitList "," (include "lc.roles" $root) -}}
- ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
  {{- with $egress.dns }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- if eq $role "gateway" }}
{{ include "lc.egressTo" (dict "root" $root "components" (list (include "lc.streamRole" $root) (include "lc.storeRole" $root) | uniq) "ports" (list 8001 8003)) }}
{{- else if eq $role "zookeeper" }}
{{ include "lc.egressTo" (dict "root" $root "components" (list "zookeeper") "ports" (list 2888 3888)) }}
{{- else if ne $role "single" }}
{{ include "lc.egressTo" (dict "root" $root "components" $roles "ports" (list 8002 8003)) }}
{{- if and (eq $root.Values.topology "dispatcher") $root.Values.zookeeper.builtIn.enabled }}
{{ include "lc.egressTo" (dict "root" $root "components" (list "zookeeper") "ports" (list 2181)) }}
{{- end }}
{{- end }}
{{- with get $egress.rules $role }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A rule: these pods of ours, on these ports. (dict "root" "components" "ports") */}}
{{- define "lc.egressTo" -}}
- to:
    {{- range .components }}
    - podSelector:
        matchLabels:
          {{- include "lc.selector" (dict "root" $.root "component" .) | nindent 10 }}
    {{- end }}
  ports:
    {{- range .ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end -}}

{{/* Roles that could not call what they need, which the chart does not run; separated by commas. */}}
{{- define "lc.egressMissing" -}}
{{- $values := .Values -}}
{{- $needy := list -}}
{{- if or (include "lc.withRedis" .) (and (eq $values.topology "dispatcher") (not $values.zookeeper.builtIn.enabled)) -}}
{{- $needy = splitList "," (include "lc.roles" .) -}}
{{- else if or (eq $values.store.kind "cassandra") $values.auth.jwks.url -}}
{{- $needy = list (include "lc.storeRole" .) -}}
{{- end -}}
{{- $missing := list -}}
{{- range $needy -}}
{{- if not (get $values.networkPolicy.egress.rules .) -}}{{- $missing = append $missing . -}}{{- end -}}
{{- end -}}
{{- join "," $missing -}}
{{- end -}}
