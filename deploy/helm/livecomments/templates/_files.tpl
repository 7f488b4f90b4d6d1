{{/*
Files that a process is given. All of them are whole volumes: what is mounted with subPath never
changes while a pod runs, and rotated keys would not reach it.
*/}}

{{/* Where a process finds its certificate. (dict "root" "role") */}}
{{- define "lc.tlsDir" -}}
{{- $mode := .root.Values.tls.mode -}}
{{- if eq $mode "csi" -}}/tls
{{- else if eq $mode "secret" -}}/tls/$(POD_NAME)
{{- else -}}/certs/{{ .role }}/$(POD_NAME)
{{- end -}}
{{- end -}}

{{- define "lc.tlsMount" -}}
{{- if eq .Values.tls.mode "development" -}}
- {name: certs, mountPath: /certs}
{{- else -}}
- {name: tls, mountPath: /tls, readOnly: true}
{{- end -}}
{{- end -}}

{{/* (dict "root" "role") */}}
{{- define "lc.tlsVolumes" -}}
{{- $root := .root -}}
{{- $role := .role -}}
{{- $tls := $root.Values.tls -}}
{{- if eq $tls.mode "csi" -}}
- name: tls
  csi:
    driver: csi.cert-manager.io
    readOnly: true
    volumeAttributes:
      csi.cert-manager.io/issuer-name: {{ $tls.csi.issuerName | quote }}
      csi.cert-manager.io/issuer-kind: {{ $tls.csi.issuerKind | quote }}
      csi.cert-manager.io/issuer-group: {{ $tls.csi.issuerGroup | quote }}
      csi.cert-manager.io/duration: {{ $tls.csi.duration | quote }}
      csi.cert-manager.io/renew-before: {{ $tls.csi.renewBefore | quote }}
      csi.cert-manager.io/uri-sans: "livecomments://{{ $role }}/${POD_NAME}"
      csi.cert-manager.io/dns-names: "${POD_NAME}.{{ $role }}.livecomments.internal"
      csi.cert-manager.io/key-usages: "digital signature,server auth,client auth"
      csi.cert-manager.io/ca-file: ca.pem
      csi.cert-manager.io/certificate-file: cert.pem
      csi.cert-manager.io/privatekey-file: key.pem
      csi.cert-manager.io/fs-group: {{ $root.Values.runAsUser | int64 | toString | quote }}
{{- else if eq $tls.mode "secret" -}}
# One template makes all pods of a role, so each mounts the Secrets of all. Those of pods that may
# come later may be missing.
- name: tls
  projected:
    defaultMode: 0440
    sources:
      {{- range $n := untilStep 1 (int (add1 (include "lc.slots" . | int))) 1 }}
      {{- $pod := printf "%s-%s-%d" (include "lc.fullname" $root) $role $n }}
      - secret:
          name: {{ $pod }}-tls
          optional: true
          items:
            - {key: {{ $tls.secret.keys.ca }}, path: {{ $pod }}/ca.pem}
            - {key: {{ $tls.secret.keys.cert }}, path: {{ $pod }}/cert.pem}
            - {key: {{ $tls.secret.keys.key }}, path: {{ $pod }}/key.pem}
      {{- end }}
{{- else -}}
{{ include "lc.developmentVolumes" $root }}
{{- end -}}
{{- end -}}

{{- define "lc.developmentVolumes" -}}
- name: certs
  emptyDir: {medium: Memory, sizeLimit: 1Mi}
- name: ca
  secret: {secretName: {{ include "lc.fullname" . }}-development-ca, defaultMode: 0440}
{{- end -}}

{{/* Makes a certificate of the development CA, whose key nobody else in the pod sees.
(dict "root" "wanted") */}}
{{- define "lc.developmentInit" -}}
- name: certificate
  image: {{ include "lc.image" (dict "image" .root.Values.image "tag" .root.Chart.AppVersion) }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args: [cluster, certs, /certs, {{ .wanted | quote }}]
  env:
    - name: POD_NAME
      valueFrom: {fieldRef: {fieldPath: metadata.name}}
  resources:
    requests: {cpu: 50m, memory: 96Mi}
    limits: {memory: 192Mi}
  securityContext:
    {{- include "lc.containerSecurity" .root | nindent 4 }}
  volumeMounts:
    - {name: certs, mountPath: /certs}
    - {name: ca, mountPath: /certs/ca, readOnly: true}
    - {name: tmp, mountPath: /tmp}
{{- end -}}

{{/* The Secrets that a process reads as files: YAML of {sources: [...]}. (dict "root" "role") */}}
{{- define "lc.secretSources" -}}
{{- $values := .root.Values -}}
{{- $wanted := list -}}
{{- if ne .role "dispatcher" -}}
{{- $wanted = append $wanted (list $values.reading.ticketKeySecret "tickets.key") -}}
{{- end -}}
{{- if has .role (list "writer" "single") -}}
{{- if include "lc.withKeys" .root -}}
{{- $wanted = concat $wanted (list
      (list $values.auth.jwks.secret "jwks.json")
      (list $values.auth.jwks.caSecret "jwks-ca.pem")
      (list $values.auth.authorIdKeySecret "author-ids.key")) -}}
{{- end -}}
{{- if eq $values.store.kind "cassandra" -}}
{{- $wanted = concat $wanted (list
      (list $values.store.cassandra.passwordSecret "cassandra-password")
      (list $values.store.cassandra.caSecret "cassandra-ca.pem")) -}}
{{- else if eq $values.store.kind "dynamodb" -}}
{{- $wanted = append $wanted (list $values.store.dynamodb.credentialsSecret "aws-credentials") -}}
{{- end -}}
{{- end -}}
{{- $sources := list -}}
{{- range $wanted -}}
{{- $secret := index . 0 -}}
{{- if $secret.name -}}
{{- $item := dict "key" $secret.key "path" (index . 1) -}}
{{- $sources = append $sources (dict "secret" (dict "name" $secret.name "items" (list $item))) -}}
{{- end -}}
{{- end -}}
{{- dict "sources" $sources | toYaml -}}
{{- end -}}
