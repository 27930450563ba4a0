// The API's description, as it is served.
    .section .rodata
    .globl kTraplineOpenapiJson
kTraplineOpenapiJson:
    .incbin "openapi.json"
    .globl kTraplineOpenapiJsonEnd
kTraplineOpenapiJsonEnd:
    .byte 0
    .section .note.GNU-stack,"",%progbits
